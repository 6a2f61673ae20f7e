import { type Command, InvalidArgumentError } from "commander"
import { counted } from "../event/counted.ts"
import { bodyOf, type EventFilterOptions, filtering, hasFilter } from "./events.ts"
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-codes.ts"
import { Interruption } from "./interruption.ts"
import { repeatable } from "./option-values.ts"
import { print, printError, printJson } from "./output.ts"
import {
  askingService,
  CommandError,
  pathPart,
  ServiceClient,
  type ServiceOptions,
} from "./service-client.ts"
import { type Shown, shown, table, verbatim } from "./shown.ts"

const PATH = "/api/v1/replays"

/** Time between two looks at a replay that runs, in milliseconds. */
const LOOK_INTERVAL_MS = 500

const CLEAR_LINE = verbatim("\r\x1b[K")

interface Replay {
  readonly id: string
  readonly queue: string
  readonly state: string
  readonly selected: number
  readonly replayed: number
  readonly missing: number
  readonly rate: number
  readonly began_at: number
  readonly reason: string | null
}

interface StartOptions extends ServiceOptions, EventFilterOptions {
  readonly id?: readonly string[]
  readonly all?: boolean
  readonly anyTopic?: boolean
  readonly rate?: number
  readonly dryRun?: boolean
  readonly detach?: boolean
}

export function addReplay(program: Command): void {
  const start = program
    .command("replay")
    .argument("<queue>", "queue that gets the events")
    .description(
      "put past events on a queue again, the oldest first, and show the progress; interrupting it aborts the replay",
    )
    .addOption(repeatable("--id <id>", "replay this event, in the given order"))
    .option("--all", "replay every event of the history")
    .option("--any-topic", "also events that no binding of the queue matches")
    .option("--rate <events>", "most events per second (default: 100)", readRate)
    .option("--dry-run", "count the events without replaying any")
    .option("--detach", DETACH)
  filtering(askingService(start)).action(startReplay)
  const group = program.command("replays").description("look at replays, abort or resume them")
  const list = group.command("list", { isDefault: true }).description("list them, newest first (the default)")
  askingService(list).action(listReplays)
  const show = one(group, "show", "show the progress of a replay")
  askingService(show).action(async (id: string, options: ServiceOptions) => {
    report(await new ServiceClient(options).ask<Replay>(`${PATH}/${pathPart(id)}`), options)
  })
  const abort = one(group, "abort", "end a replay; events that are on the queue stay there")
  askingService(abort).action(async (id: string, options: ServiceOptions) => {
    report(await askAbort(new ServiceClient(options), id), options)
  })
  const resume = one(group, "resume", "go on with a replay that ended before its end, and show the progress")
  askingService(resume.option("--detach", DETACH)).action(async (id: string, options: StartOptions) => {
    const client = new ServiceClient(options)
    const replay = await client.ask<Replay>(`${PATH}/${pathPart(id)}/resume`, { method: "POST" })
    await follow(client, replay, options)
  })
}

const DETACH = "end once the replay runs, without waiting for its end"

const one = (group: Command, name: string, description: string): Command =>
  group.command(name).argument("<id>", "id of the replay").description(description)

async function startReplay(queue: string, options: StartOptions): Promise<void> {
  const { id: ids, all, anyTopic, rate, dryRun } = options
  const ways = [ids !== undefined, hasFilter(options), all === true].filter(Boolean).length
  if (ways !== 1) {
    const message =
      ways === 0
        ? "nothing is selected: give --id, a filter such as --since, or --all for every event of the history"
        : "give either --id, or filters, or --all"
    throw new CommandError(message, EXIT_USAGE)
  }
  const client = new ServiceClient(options)
  const answer = await client.ask<Replay>(PATH, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ queue, ids, all, any_topic: anyTopic, rate, dry_run: dryRun, ...bodyOf(options) }),
  })
  if (!dryRun) return follow(client, answer, options)
  if (options.json) return printJson(answer)
  print(shown`${counted(answer.selected, "event")} would be replayed to ${queue}\n`)
}

/** Shows the progress until the end. A signal aborts the replay. */
async function follow(client: ServiceClient, begun: Replay, options: StartOptions): Promise<void> {
  if (options.detach) return report(begun, options)
  const interruption = new Interruption()
  const isShown = process.stderr.isTTY === true && !options.json
  let replay = begun
  let told: string | null = null
  while (replay.state === "running") {
    if (interruption.error !== null) {
      report(await askAbort(client, replay.id), options)
      throw interruption.error
    }
    if (isShown) printError(shown`${CLEAR_LINE}${progressOf(replay)}`)
    else if (replay.reason !== null && replay.reason !== told) {
      printError(shown`event-broker: the replay waits: ${replay.reason}\n`)
    }
    told = replay.reason
    await Bun.sleep(LOOK_INTERVAL_MS)
    replay = await client.ask<Replay>(`${PATH}/${pathPart(replay.id)}`)
  }
  if (isShown) printError(CLEAR_LINE)
  report(replay, options)
  if (replay.state !== "done") throw new CommandError(`the replay was ${replay.state}`, EXIT_REFUSED)
  if (replay.missing > 0 && replay.replayed === 0)
    throw new CommandError("nothing was replayed", EXIT_REFUSED)
}

const askAbort = (client: ServiceClient, id: string): Promise<Replay> =>
  client.ask(`${PATH}/${pathPart(id)}`, { method: "DELETE" })

async function listReplays(options: ServiceOptions): Promise<void> {
  const { replays } = await new ServiceClient(options).ask<{ readonly replays: readonly Replay[] }>(PATH)
  if (options.json) return printJson(replays)
  if (replays.length === 0) return printError(shown`no replays\n`)
  const rows = replays.map(({ id, queue, state, replayed, selected, began_at, reason }) => [
    id,
    queue,
    state,
    replayed,
    selected,
    new Date(began_at * 1_000).toISOString(),
    reason ?? "",
  ])
  print(table(["id", "queue", "state", "replayed", "selected", "began", "reason"], rows))
}

function report(replay: Replay, { json }: ServiceOptions): void {
  if (json) printJson(replay)
  else print(shown`${progressOf(replay)}\n`)
}

function progressOf({ id, queue, state, replayed, selected, missing, reason }: Replay): Shown {
  const rest = missing === 0 ? "" : `, ${counted(missing, "event")} not in the history`
  const why = reason === null ? "" : `: ${reason}`
  return shown`replay ${id} to ${queue} ${state}${why}: ${replayed} of ${counted(selected, "event")}${rest}`
}

function readRate(text: string): number {
  const rate = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || rate <= 0) throw new InvalidArgumentError("It takes a number above 0.")
  return rate
}
