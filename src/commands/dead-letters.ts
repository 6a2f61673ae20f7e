import { type Command, InvalidArgumentError } from "commander"
import { EXIT_USAGE } from "./exit-codes.ts"
import { print, printJson } from "./output.ts"
import { askingService, CommandError, ServiceClient, type ServiceOptions } from "./service-client.ts"
import { shown, table } from "./shown.ts"

const PATH = "/api/v1/dead-letters"

/** Longest text of an error in a line. */
const MAX_ERROR_LENGTH = 60

/** How many dead letters `list` shows by default, and how many it asks the service for at a time. */
const DEFAULT_SHOWN = 100
const MAX_ASKED = 1_000

interface Selection {
  readonly id?: readonly string[]
  readonly reason?: string
  readonly name?: string
  readonly limit?: number
}

interface Answer {
  readonly dead_letters: readonly {
    readonly event?: { readonly id?: string; readonly type?: string; readonly name?: string }
    readonly reason: string
    readonly attempts: number
    readonly last_failed_at: number | null
    readonly error: { readonly name: string; readonly message: string } | null
  }[]
  /** Null if there are no more. Absent from a service of an earlier version, which answers all at once. */
  readonly cursor?: string | null
}

export function addDeadLetters(program: Command): void {
  const group = program.command("dead-letters").description("events that will not be retried")
  const list = group
    .command("list")
    .argument("[queue]", "of this queue, with why they failed; without it, how many every queue has")
    .description("look at dead letters; looking takes none")
  narrowing(askingService(list)).action(listLetters)
  const redrive = group
    .command("redrive")
    .argument("<queue>")
    .description("move dead letters back to their queue, as events that were never tried")
    .option("--id <id...>", "those of these events")
    .option("--all", "all of them, where nothing else is selected")
    .option("--dry-run", "count them, and move none")
  narrowing(askingService(redrive)).action(redriveLetters)
  const purge = group
    .command("purge")
    .argument("<queue>")
    .description("delete dead letters for good")
    .option("--id <id...>", "those of these events")
    .option("--all", "all of them, where nothing else is selected")
  narrowing(askingService(purge)).action(purgeLetters)
}

const narrowing = (command: Command): Command =>
  command
    .option("--reason <reason>", "those that failed for this reason")
    .option("--name <name>", "those of events with this name")
    .option("--limit <count>", "the oldest of them, at most so many", readCount)

async function listLetters(queue: string | undefined, options: ServiceOptions & Selection): Promise<void> {
  const client = new ServiceClient(options)
  if (queue === undefined) {
    const { queues } = await client.get<{
      readonly queues: readonly { readonly queue_name: string; readonly dead_letter_count: number }[]
    }>(PATH)
    if (options.json) return printJson(queues)
    const rows = queues.map(({ queue_name, dead_letter_count }) => [queue_name, dead_letter_count])
    print(table(["queue", "dead letters"], rows))
    return
  }
  const letters = await readLetters(client, queue, options)
  if (options.json) return printJson(letters)
  const rows = letters.map(({ event, reason, attempts, last_failed_at: at, error }) => [
    String(event?.id ?? ""),
    event?.type === undefined ? "" : `${event.type}.${event.name}`,
    reason,
    attempts,
    at === null ? "" : new Date(at * 1_000).toISOString(),
    error === null ? "" : shorten(`${error.name}: ${error.message}`),
  ])
  print(table(["id", "event", "reason", "attempts", "last failed", "error"], rows))
}

/** Reads as many as are asked for; the service bounds each answer. */
async function readLetters(
  client: ServiceClient,
  queue: string,
  { limit = DEFAULT_SHOWN, ...filter }: Selection,
): Promise<Answer["dead_letters"]> {
  const letters: Answer["dead_letters"][number][] = []
  let cursor: string | null = null
  do {
    const query = queryOf({ ...filter, limit: Math.min(limit - letters.length, MAX_ASKED) })
    if (cursor !== null) query.set("cursor", cursor)
    const answer: Answer = await client.get(`${PATH}/${encodeURIComponent(queue)}?${query}`)
    letters.push(...answer.dead_letters)
    cursor = answer.cursor ?? null
  } while (cursor !== null && letters.length < limit)
  return letters
}

type RedriveOptions = ServiceOptions & Selection & { readonly all?: boolean; readonly dryRun?: boolean }

function requireSelection({ id, reason, name, limit, all }: RedriveOptions): void {
  if ([id, reason, name, limit].some((each) => each !== undefined) || all) return
  const message =
    "Nothing is selected: give --id, --reason, --name or --limit; or --all for every dead letter."
  throw new CommandError(message, EXIT_USAGE)
}

async function redriveLetters(queue: string, options: RedriveOptions): Promise<void> {
  requireSelection(options)
  const { id, reason, name, limit, all, dryRun } = options
  const response = await new ServiceClient(options).send(`${PATH}/${encodeURIComponent(queue)}/redrive`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ids: id, reason, name, limit, all, dry_run: dryRun }),
  })
  const answer = (await response.json()) as {
    readonly redriven: number
    readonly remaining: number
    readonly corrupt?: number
  }
  if (options.json) return printJson(answer)
  const done = dryRun ? "would be moved" : "moved"
  const { redriven, remaining, corrupt = 0 } = answer
  const why = corrupt > 0 ? `, ${corrupt} of them corrupt` : ""
  print(shown`${redriven} ${done} back to ${queue}, ${remaining} left${why}\n`)
}

async function purgeLetters(queue: string, options: RedriveOptions): Promise<void> {
  requireSelection(options)
  const path = `${PATH}/${encodeURIComponent(queue)}?${queryOf(options)}`
  const response = await new ServiceClient(options).send(path, { method: "DELETE" })
  const answer = (await response.json()) as { readonly purged: number; readonly remaining: number }
  if (options.json) return printJson(answer)
  print(shown`${answer.purged} deleted, ${answer.remaining} left\n`)
}

/** Counts whole characters: half of one would be shown as a fault. */
const shorten = (text: string): string => Array.from(text).slice(0, MAX_ERROR_LENGTH).join("")

function queryOf({ id, reason, name, limit, all }: Selection & { readonly all?: boolean }): URLSearchParams {
  const query = new URLSearchParams()
  for (const each of id ?? []) query.append("ids", each)
  for (const [key, value] of Object.entries({ reason, name, limit, all })) {
    if (value !== undefined) query.set(key, String(value))
  }
  return query
}

export function readCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It takes a whole number from 1.")
  return Number(text)
}
