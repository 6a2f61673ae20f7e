import { counted } from "../event/counted.ts"
import { type EventHistory, type TimelineEntry, titleOf } from "./event-answers.ts"
import { block, joined, type Shown, shown, styled, verbatim } from "./shown.ts"

/** Colours of states and statuses. */
const STYLES = {
  completed: "green",
  handled: "green",
  failed: "red",
  dead: "red",
  expired: "red",
  cancelled: "red",
  retrying: "yellow",
  unknown: "yellow",
  processing: "yellow",
  running: "yellow",
} as const

/** Shows what became of an event, for people. */
export function timelineOf(event: EventHistory, payload: string | null): Shown {
  const { caused, has_more_caused: hasMore } = event
  const facts: readonly (readonly [string, string | null])[] = [
    ["published", event.published_at === null ? "not known to the history" : timeOf(event.published_at)],
    ["routing key", event.routing_key],
    ["ordering key", event.ordering_key],
    ["trace", event.trace_id],
    ["caused by", event.caused_by],
    ["caused", caused.length === 0 ? null : caused.join(", ") + (hasMore ? ", …" : "")],
    ["published with this id", event.publications > 1 ? counted(event.publications, "time") : null],
  ]
  return joined([
    shown`${styled("bold", titleOf(event))}  ${event.id}  ${stated(event.status)}\n`,
    ...facts.flatMap(([name, value]) => (value === null ? [] : [shown`  ${styled("dim", name)} ${value}\n`])),
    ...(payload === null ? [] : [shown`  ${styled("dim", "payload")} ${block(payload)}\n`]),
    ...event.queues.map(({ queue, state, timeline, omitted }) =>
      joined([
        shown`\n${styled("bold", queue)}  ${stated(state)}\n`,
        ...timeline.flatMap((entry) => [lineOf(entry), ...logOf(entry)]),
        ...(omitted === 0 ? [] : [shown`  ${counted(omitted, "entry")} in between left out\n`]),
      ]),
    ),
  ])
}

/** A state in its colour. */
export const stated = (state: string): Shown =>
  Object.hasOwn(STYLES, state) ? styled(STYLES[state as keyof typeof STYLES], state) : shown`${state}`

/** A time for people, to the millisecond, in UTC as in the log's JSON. */
export const timeOf = (seconds: number): string => new Date(seconds * 1_000).toISOString().replace("T", " ")

function lineOf(entry: TimelineEntry): Shown {
  const { what, at, error, reason, next_attempt_at: next, replay } = entry
  const parts: Shown[] = [what === "attempt" ? describeAttempt(entry) : shown`${what}`]
  // An error says it all.
  if (reason && reason !== "error") parts.push(shown`${styled("yellow", reason)}`)
  if (error) parts.push(shown`${error.name}: ${error.message}`)
  if (entry.is_edited) parts.push(shown`with an edited payload`)
  if (next) parts.push(shown`next attempt at ${timeOf(next)}`)
  if (replay) parts.push(shown`replay ${replay}`)
  return shown`  ${styled("dim", timeOf(at))}  ${joined(parts.flatMap((part, at) => (at === 0 ? [part] : [verbatim(", "), part])))}\n`
}

/** Before the later lines of a text in the log of an attempt: as far in as the first one. */
const INDENTED = `\n${" ".repeat(24)}`

/** Shows what an attempt wrote to the log, below it. */
function logOf({ log }: TimelineEntry): readonly Shown[] {
  if (!log) return []
  const left = log.omitted === 0 ? [] : [shown`    … ${counted(log.omitted, "earlier line")} left out\n`]
  return [
    ...left,
    ...log.lines.map(
      ({ at, level, text }) =>
        // Indented, so that no text looks like a line of the timeline.
        shown`    ${styled("dim", timeOf(at).slice(11))} ${level.padEnd(5)} ${block(text.replaceAll("\n", INDENTED))}\n`,
    ),
  ]
}

function describeAttempt({
  attempt = 0,
  outcome = "",
  duration_ms: ms,
  module,
  handler,
  generation,
}: TimelineEntry): Shown {
  const by = shown`${module ?? ""} ${handler ?? ""} (${generation ?? ""})`
  const after = ms === undefined ? "" : ` after ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  return shown`attempt ${attempt} ${WORDS.get(outcome) ?? outcome}${after} by ${by}`
}

/** Outcomes of attempts, as people say them. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["handled", "handled"],
  ["retry", "failed"],
  ["dead-letter", "failed for good"],
])
