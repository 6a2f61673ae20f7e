import type { Command } from "commander"
import { EVENT_TYPES } from "../event/event-type.ts"
import { DELIVERY_STATES, EVENT_STATUSES } from "../history/delivery-state.ts"
import { parseExactly } from "../system/exact-json.ts"
import { readCount } from "./dead-letters.ts"
import { type EventHistory, type EventPage, type EventSummary, titleOf } from "./event-answers.ts"
import { timelineOf, timeOf } from "./event-timeline.ts"
import { EXIT_REFUSED } from "./exit-codes.ts"
import { choiceOption, choicesOption, repeatable } from "./option-values.ts"
import { print, printError, printJsonLine } from "./output.ts"
import {
  askingService,
  CommandError,
  pathPart,
  ServiceClient,
  type ServiceOptions,
} from "./service-client.ts"
import { jsonText, shown, table } from "./shown.ts"
import { timeOption } from "./time-option.ts"

const PATH = "/api/v1/events"

/** How many events `list` shows by default, and how many it asks the service for at a time. */
const DEFAULT_SHOWN = 50
const MAX_ASKED = 500

/** The filters of a list, by the parameter that they set. */
export interface EventFilterOptions {
  readonly type?: readonly string[]
  readonly name?: readonly string[]
  readonly queue?: readonly string[]
  readonly state?: readonly string[]
  readonly status?: string
  readonly since?: string
  readonly until?: string
  readonly orderingKey?: string
  readonly trace?: string
  readonly causedBy?: string
  readonly text?: string
}

interface ListOptions extends ServiceOptions, EventFilterOptions {
  readonly oldest?: boolean
  readonly limit?: number
}

export function addEvents(program: Command): void {
  const group = program.command("events").description("find out what became of events")
  const list = group
    .command("list", { isDefault: true })
    .description(`list events of the history and their state, ${DEFAULT_SHOWN} without --limit (the default)`)
    .option("--oldest", "begin with the oldest event instead of the newest")
    .option("--limit <count>", "show at most this many", readCount)
  filtering(askingService(list)).action(listEvents)
  const show = group
    .command("show")
    .argument("<id>", "id of the event")
    .description("show an event, and everything that happened to it on each queue")
  askingService(show).action(showEvent)
}

/** Adds the options that select events of the history. */
export const filtering = (command: Command): Command =>
  command
    .addOption(choicesOption("--type <types>", "events of these types", EVENT_TYPES))
    .addOption(repeatable("--name <name>", "events with this name"))
    .addOption(repeatable("--queue <queue>", "events that this queue received"))
    .addOption(choicesOption("--state <states>", "events in one of these states on a queue", DELIVERY_STATES))
    .addOption(choiceOption("--status <status>", "events with this status over all queues", EVENT_STATUSES))
    .addOption(timeOption("--since <time>", "events published since"))
    .addOption(timeOption("--until <time>", "events published before"))
    .option("--ordering-key <key>", "events with this ordering key")
    .option("--trace <id>", "events of this trace")
    .option("--caused-by <id>", "events that a handler of this event published")
    .option("--text <text>", "events whose payload contains this text")

async function listEvents(options: ListOptions): Promise<void> {
  const client = new ServiceClient(options)
  const { limit = DEFAULT_SHOWN } = options
  const rows: EventSummary[] = []
  let cursor: string | null = null
  let incomplete: string | null = null
  do {
    const query = queryOf(options)
    query.set("limit", String(Math.min(limit - rows.length, MAX_ASKED)))
    if (options.oldest) query.set("order", "oldest")
    if (cursor !== null) query.set("cursor", cursor)
    const page: EventPage = await client.ask(`${PATH}?${query}`)
    if (options.json) for (const event of page.events) printJsonLine(event)
    rows.push(...page.events)
    cursor = page.cursor
    incomplete = page.incomplete
  } while (cursor !== null && rows.length < limit)
  noteIncomplete(incomplete)
  if (options.json) return
  if (rows.length === 0) return printError(shown`the history has no such event\n`)
  print(table(["published", "event", "id", "status", "queues"], rows.map(rowOf)))
}

/** Ids that can't be in a path, or whose path is that of something else. */
const NO_PATH = ["stats", "queues", "types", "stream", "outcomes", ".", ".."]

async function showEvent(id: string, options: ServiceOptions): Promise<void> {
  if (NO_PATH.includes(id)) {
    const message = `the service has something else at the path of an event with the id ${id}: find it with events list`
    throw new CommandError(message, EXIT_REFUSED)
  }
  const response = await new ServiceClient(options).send(`${PATH}/${pathPart(id)}`)
  const text = await response.text()
  if (options.json) return print(jsonText(`${text}\n`))
  const event: EventHistory = JSON.parse(text)
  print(timelineOf(event, payloadIn(text)))
  noteIncomplete(event.incomplete)
}

function noteIncomplete(reason: string | null): void {
  if (reason !== null) printError(shown`event-broker: the history may be incomplete: ${reason}\n`)
}

const rowOf = (event: EventSummary): readonly string[] => [
  event.published_at === null ? "" : timeOf(event.published_at),
  titleOf(event),
  event.id,
  event.status,
  event.queues
    .map(({ queue, state, attempts, reason }) => {
      const why =
        reason === null ? "" : ` (${reason}, ${attempts === 1 ? "1 attempt" : `${attempts} attempts`})`
      return `${queue} ${state}${why}`
    })
    .join(", "),
]

/** Returns the payload of the answered event as JSON, with its numbers as they are written; null if it is not known. */
function payloadIn(text: string): string | null {
  const answer = parseExactly(text)
  const event = typeof answer === "object" && answer !== null && "event" in answer ? answer.event : null
  if (typeof event !== "object" || event === null || !("payload" in event)) return null
  return JSON.stringify(event.payload)
}

/** Returns the query for the given filters. */
function queryOf(options: EventFilterOptions): URLSearchParams {
  const query = new URLSearchParams()
  const { types: type, names: name, queues: queue, states: state, ...single } = bodyOf(options)
  for (const [parameter, values] of Object.entries({ type, name, queue, state })) {
    for (const value of values ?? []) query.append(parameter, value)
  }
  for (const [parameter, value] of Object.entries(single)) {
    if (value !== undefined) query.set(parameter, value)
  }
  return query
}

/** Returns the given filters as fields of a request's body. */
export const bodyOf = (options: EventFilterOptions) => ({
  types: options.type,
  names: options.name,
  queues: options.queue,
  states: options.state,
  status: options.status,
  since: options.since,
  until: options.until,
  ordering_key: options.orderingKey,
  trace: options.trace,
  caused_by: options.causedBy,
  text: options.text,
})

/** Returns whether any filter is given. */
export const hasFilter = (options: EventFilterOptions): boolean =>
  Object.values(bodyOf(options)).some((value) => value !== undefined)
