import { type Command, InvalidArgumentError } from "commander"
import { counted } from "../event/counted.ts"
import { DEAD_LETTER_REASONS } from "../event/failure.ts"
import { canAsk, requireConfirmation } from "./confirm.ts"
import { EXIT_USAGE } from "./exit-codes.ts"
import { choiceOption, repeatable } from "./option-values.ts"
import { print, printError, printJson } from "./output.ts"
import {
  askingService,
  CommandError,
  pathPart,
  ServiceClient,
  type ServiceOptions,
} from "./service-client.ts"
import { type Shown, shown, table } from "./shown.ts"
import { timeOption } from "./time-option.ts"

const PATH = "/api/v1/dead-letters"

/** Longest text of an error in a row of the table, in characters. The last column may be wider than the terminal. */
const MAX_ERROR_LENGTH = 500

/** Longest start of a message that is not an event, in characters. */
const MAX_CONTENT_LENGTH = 24

/** How many dead letters `list` shows by default, and how many it asks the service for at a time. */
const DEFAULT_SHOWN = 100
const MAX_ASKED = 1_000

interface Selection {
  readonly id?: readonly string[]
  readonly reason?: string
  readonly name?: string
  readonly error?: string
  readonly since?: string
  readonly until?: string
  readonly limit?: number
}

interface Answer {
  readonly dead_letters: readonly {
    readonly event?: { readonly id?: string; readonly type?: string; readonly name?: string }
    /** In place of `event`: the text of a message that is not JSON. */
    readonly body?: string
    /** In place of `event`: a message that is not UTF-8, and its size. */
    readonly body_base64?: string
    readonly body_bytes?: number
    readonly reason: string
    readonly attempts: number
    readonly last_failed_at: number | null
    readonly error: { readonly name: string; readonly message: string } | null
  }[]
  /** Null if there are no more. Absent from a service of an earlier version, which answers all at once. */
  readonly cursor?: string | null
}

type Letter = Answer["dead_letters"][number]

export function addDeadLetters(program: Command): void {
  const group = program
    .command("dead-letters")
    .description("list, redrive or delete events that are no longer retried")
  const list = group
    .command("list")
    .argument(
      "[queue]",
      "show the dead letters of this queue and why they failed; without it, count those of every queue",
    )
    .description(`list dead letters, without changing them: ${DEFAULT_SHOWN} of a queue without --limit`)
  narrowing(askingService(list)).action(listLetters)
  const redrive = group
    .command("redrive")
    .argument("<queue>")
    .description(
      "move dead letters back to their queue, where attempts start at 1 again; needs a selection or --all",
    )
    .option("--all", "select all dead letters of the queue")
    .option("--dry-run", "count them without moving any")
  narrowing(askingService(redrive)).action(redriveLetters)
  const purge = group
    .command("purge")
    .argument("<queue>")
    .description("delete dead letters for good; needs a selection or --all")
    .option("--all", "select all dead letters of the queue; asks first on a terminal")
    .option("--dry-run", "count them without deleting any")
    .option("--yes", "do not ask for confirmation")
  narrowing(askingService(purge)).action(purgeLetters)
}

const narrowing = (command: Command): Command =>
  command
    .addOption(repeatable("--id <id>", "select the dead letters of this event"))
    .addOption(
      choiceOption("--reason <reason>", "select those that failed for this reason", DEAD_LETTER_REASONS),
    )
    .option("--name <name>", "select those of events with this name")
    .option("--error <text>", "select those whose error contains this text")
    .addOption(timeOption("--since <time>", "select those that failed last since"))
    .addOption(timeOption("--until <time>", "select those that failed last before"))
    .option("--limit <count>", "select at most this many, the oldest first", readCount)

async function listLetters(queue: string | undefined, options: ServiceOptions & Selection): Promise<void> {
  if (queue === undefined && givenFilters(options).length > 0) {
    const message = `${givenFilters(options).join(" and ")} can only be given with a queue: dead-letters list QUEUE`
    throw new CommandError(message, EXIT_USAGE)
  }
  const client = new ServiceClient(options)
  if (queue === undefined) {
    const { queues } = await client.ask<{
      readonly queues: readonly { readonly queue_name: string; readonly dead_letter_count: number }[]
    }>(PATH)
    if (options.json) return printJson(queues)
    const rows = queues.map(({ queue_name, dead_letter_count }) => [queue_name, dead_letter_count])
    print(table(["queue", "dead letters"], rows))
    return
  }
  const letters = await readLetters(client, queue, options)
  if (options.json) return printJson(letters)
  if (letters.length === 0) {
    const isNarrowed = givenFilters(options).some((each) => each !== "--limit")
    return printError(
      shown`${isNarrowed ? `no dead letter of ${queue} matches` : `${queue} has no dead letters`}\n`,
    )
  }
  const rows = letters.map(({ reason, attempts, last_failed_at: at, error, ...content }) => [
    String(content.event?.id ?? ""),
    describeContent(content),
    reason,
    attempts,
    at === null ? "" : new Date(at * 1_000).toISOString(),
    error === null ? "" : firstLineOf(`${error.name}: ${error.message}`),
  ])
  print(table(["id", "event", "reason", "attempts", "last failed", "error"], rows))
}

/** Describes what a dead letter holds: the type and name of its event, or the start of what is none. */
function describeContent({
  event,
  body,
  body_base64: base64,
  body_bytes: size = 0,
}: Pick<Letter, "event" | "body" | "body_base64" | "body_bytes">): string {
  if (base64 !== undefined) return `binary, ${counted(size, "byte")}: ${startOf(base64)} (Base64)`
  if (body !== undefined) return body === "" ? "empty" : `not JSON: ${startOf(body)}`
  if (event?.type === undefined) return "no event"
  return `${event.type}.${event.name}`
}

function startOf(text: string): string {
  const characters = Array.from(text.slice(0, 2 * MAX_CONTENT_LENGTH))
  const start = characters.slice(0, MAX_CONTENT_LENGTH).join("")
  return start.length < text.length ? `${start}…` : start
}

/** Reads as many dead letters as are asked for, in several requests, because the service limits each answer. */
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
    const answer: Answer = await client.ask(`${PATH}/${pathPart(queue)}?${query}`)
    letters.push(...answer.dead_letters)
    cursor = answer.cursor ?? null
  } while (cursor !== null && letters.length < limit)
  return letters
}

type RedriveOptions = ServiceOptions &
  Selection & { readonly all?: boolean; readonly dryRun?: boolean; readonly yes?: boolean }

/** The options of a selection that were given, as flags. */
const givenFilters = ({ id, reason, name, error, since, until, limit }: Selection): readonly string[] =>
  Object.entries({ id, reason, name, error, since, until, limit }).flatMap(([option, value]) =>
    value === undefined ? [] : [`--${option}`],
  )

/** @throws {CommandError} if nothing is selected, or everything and something */
function requireSelection(options: RedriveOptions): void {
  const filters = givenFilters(options)
  if (filters.length > 0 && options.all) {
    const message = `--all selects every dead letter: leave it out, or leave out ${filters.join(", ")}`
    throw new CommandError(message, EXIT_USAGE)
  }
  if (filters.length > 0 || options.all) return
  const message =
    "nothing is selected: give --id, --reason, --name, --error, --since, --until or --limit; or --all for every dead letter"
  throw new CommandError(message, EXIT_USAGE)
}

async function redriveLetters(queue: string, options: RedriveOptions): Promise<void> {
  requireSelection(options)
  const client = new ServiceClient(options)
  const answer = await askRedrive(client, queue, options, options.dryRun ?? false)
  if (options.json) return printJson(answer)
  const done = options.dryRun ? "would be moved" : "moved"
  const { redriven, remaining, corrupt = 0 } = answer
  const why = corrupt > 0 ? `, ${corrupt} of them corrupt` : ""
  if (redriven + corrupt === 0) return print(await explainNoRedrive(client, queue, options, answer))
  print(shown`${redriven} ${done} back to ${queue}, ${remaining} left${why}\n`)
}

interface Redriven {
  readonly redriven: number
  readonly remaining: number
  readonly corrupt?: number
}

async function askRedrive(
  client: ServiceClient,
  queue: string,
  { id, reason, name, error, since, until, limit, all }: RedriveOptions,
  dryRun: boolean,
): Promise<Redriven> {
  return client.ask<Redriven>(`${PATH}/${pathPart(queue)}/redrive`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ids: id, reason, name, error, since, until, limit, all, dry_run: dryRun }),
  })
}

/** Explains why a redrive moved nothing: no dead letter was selected, or the queue has no room. */
async function explainNoRedrive(
  client: ServiceClient,
  queue: string,
  options: RedriveOptions,
  { remaining }: Redriven,
): Promise<Shown> {
  const selected = options.dryRun ? 0 : (await askRedrive(client, queue, options, true)).redriven
  if (selected === 0) return shown`${nothingMatches(queue, remaining)}\n`
  return shown`0 moved back to ${queue}, ${remaining} left: the queue is full\n`
}

/** @param count how many dead letters the queue has */
const nothingMatches = (queue: string, count: number): string =>
  count === 0
    ? `${queue} has no dead letters`
    : `no dead letter of ${queue} matches; it has ${counted(count, "dead letter")}`

async function purgeLetters(queue: string, options: RedriveOptions): Promise<void> {
  requireSelection(options)
  const client = new ServiceClient(options)
  const mustAsk = options.all && !options.dryRun && !options.yes && canAsk()
  const selection = mustAsk ? await confirmPurge(client, queue) : options
  const answer = await askPurge(client, queue, selection, options.dryRun ?? false)
  if (options.json) return printJson(answer)
  const { purged, remaining } = answer
  if (purged === 0) return print(shown`${nothingMatches(queue, remaining)}\n`)
  print(shown`${purged} ${options.dryRun ? "would be deleted" : "deleted"}, ${remaining} left\n`)
}

/** Asks before all dead letters are deleted. Returns the selection of those that were counted: none that failed since. */
async function confirmPurge(client: ServiceClient, queue: string): Promise<RedriveOptions> {
  const { purged, at } = await askPurge(client, queue, { all: true }, true)
  if (purged > 0) requireConfirmation(shown`Delete ${counted(purged, "dead letter")} of ${queue} for good?`)
  return at === undefined || purged === 0 ? { all: true } : { until: String(at), limit: purged }
}

interface Purged {
  readonly purged: number
  readonly remaining: number
  /** In a dry run, when it began to count. Absent from a service of an earlier version. */
  readonly at?: number
}

async function askPurge(
  client: ServiceClient,
  queue: string,
  options: RedriveOptions,
  dryRun: boolean,
): Promise<Purged> {
  const query = queryOf(options)
  if (dryRun) query.set("dry_run", "true")
  return client.ask(`${PATH}/${pathPart(queue)}?${query}`, { method: "DELETE" })
}

/** Returns the first line of an error for a row of a table, cut at whole characters. */
function firstLineOf(text: string): string {
  const [line = "", ...more] = text.trim().split("\n")
  const characters = Array.from(line)
  const isCut = more.length > 0 || characters.length > MAX_ERROR_LENGTH
  return characters.slice(0, MAX_ERROR_LENGTH).join("") + (isCut ? "…" : "")
}

function queryOf({
  id,
  reason,
  name,
  error,
  since,
  until,
  limit,
  all,
}: Selection & { readonly all?: boolean }): URLSearchParams {
  const query = new URLSearchParams()
  for (const each of id ?? []) query.append("ids", each)
  for (const [key, value] of Object.entries({ reason, name, error, since, until, limit, all })) {
    if (value !== undefined) query.set(key, String(value))
  }
  return query
}

export function readCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It takes a whole number from 1.")
  return Number(text)
}
