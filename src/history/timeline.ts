/**
 * The timeline of a delivery as it is stored: a line of JSON for each entry, an array that begins with its kind. It is
 * only ever appended to, which needs no parsing of what is there.
 */
import { type AttemptLog, readAttemptLog } from "../event/attempt-log.ts"
import type { ErrorSummary } from "../event/failure.ts"
import type { ReadAttempt } from "./fact-line.ts"
import type { EditRecord, TimelineAttempt, TimelineEntry } from "./history-query.ts"

const SEPARATOR = "\n"

/** Entries kept from the beginning and from the end. Those between them are counted. */
const KEPT_FIRST = 50
const KEPT_LAST = 50

const KIND = { attempt: 0, deadLettered: 1, redriven: 2, replayed: 3, purged: 4, omitted: 5 } as const

const OMITTED_PREFIX = `[${KIND.omitted},`

/** Place of the error in an attempt and in a dead letter. */
const ERROR_AT = { [KIND.attempt]: 11, [KIND.deadLettered]: 3 } as const

/** Place of the lines of the log in an attempt. */
const LOG_AT = 12

/** Characters of a timeline above which an attempt before the latest one loses its lines of the log. */
const MAX_LENGTH_WITH_LOGS = 32_768

/** Longest edited event that is kept, in characters: a timeline can have many. */
const MAX_EDITED_LENGTH = 16_384

/** Returns the line of a run. */
export function attemptLine(fact: ReadAttempt): string {
  const { at, attempt, durationMs, outcome, module, handler, generation } = fact
  const plain = `[0,${at},${attempt},${durationMs},"${outcome}",${JSON.stringify(module)},${JSON.stringify(handler)},${JSON.stringify(generation)}`
  const { reason, nextAt, replay, error, log } = fact
  if (reason === null && nextAt === null && replay === null && error === null && log === null)
    return `${plain}]`
  const rest = [reason, nextAt, replay, partsOf(error), ...(log === null ? [] : [log])]
  return `${plain},${JSON.stringify(rest).slice(1)}`
}

export const deadLetteredLine = (at: number, reason: string, error: ErrorSummary | null): string =>
  JSON.stringify([KIND.deadLettered, at, reason, partsOf(error)])

export const redrivenLine = (at: number, edit: EditRecord | null): string => {
  if (edit === null) return `[${KIND.redriven},${at}]`
  const { failedAt, fingerprint, body } = edit
  const kept = body !== null && body.length <= MAX_EDITED_LENGTH ? body : null
  return JSON.stringify([KIND.redriven, at, failedAt, fingerprint, kept])
}

export const replayedLine = (at: number, replay: string): string =>
  JSON.stringify([KIND.replayed, at, replay])

export const purgedLine = (at: number): string => `[${KIND.purged},${at}]`

const partsOf = (error: ErrorSummary | null): readonly string[] | null =>
  error === null ? null : [error.name, error.message, ...(error.stack === undefined ? [] : [error.stack])]

/**
 * Returns the timeline with one line more. It is bounded: lines between the first and the last ones are counted, and
 * an error between the first and the latest one loses its stack. In a long timeline, so do attempts their log.
 */
export function appendLine(timeline: string, line: string): string {
  if (timeline === "") return line
  const lines = timeline.split(SEPARATOR)
  const last = lines.length - 1
  if (timeline.length > MAX_LENGTH_WITH_LOGS) lines[last] = withoutLog(lines[last] ?? "")
  if (last > 0) lines[last] = withoutStack(lines[last] ?? "")
  lines.push(line)
  const hasOmitted = lines[KEPT_FIRST]?.startsWith(OMITTED_PREFIX) ?? false
  const excess = lines.length - KEPT_FIRST - KEPT_LAST - (hasOmitted ? 1 : 0)
  if (excess > 0) {
    const omitted = (hasOmitted ? omittedOf(lines[KEPT_FIRST] ?? "") : 0) + excess
    lines.splice(KEPT_FIRST, excess + (hasOmitted ? 1 : 0), `${OMITTED_PREFIX}${omitted}]`)
  }
  return lines.join(SEPARATOR)
}

function withoutStack(line: string): string {
  const values = parse(line)
  const place = errorPlace(values[0])
  const error = place === null ? null : values[place]
  if (place === null || !Array.isArray(error) || error.length < 3) return line
  return JSON.stringify(values.with(place, error.slice(0, 2)))
}

/** Leaves the number of the lines. */
function withoutLog(line: string): string {
  const values = parse(line)
  const log = values[0] === KIND.attempt ? readAttemptLog(values[LOG_AT]) : null
  if (log === null) return line
  const { lines, omitted = 0 }: AttemptLog = log
  return JSON.stringify(values.with(LOG_AT, { lines: [], omitted: omitted + lines.length }))
}

function errorPlace(kind: unknown): number | null {
  if (kind === KIND.attempt) return ERROR_AT[KIND.attempt]
  return kind === KIND.deadLettered ? ERROR_AT[KIND.deadLettered] : null
}

const omittedOf = (line: string): number => numberAt(parse(line), 1)

/** Reads a stored timeline, in order of time: facts of several instances may arrive in another one. */
export function readTimeline(timeline: string): {
  readonly entries: readonly TimelineEntry[]
  readonly omitted: number
} {
  const lines = timeline === "" ? [] : timeline.split(SEPARATOR)
  const omitted = lines.find((line) => line.startsWith(OMITTED_PREFIX))
  const entries = lines.map(readLine).filter((entry) => entry !== null)
  return {
    entries: entries.toSorted((one, other) => one.at - other.at),
    omitted: omitted === undefined ? 0 : omittedOf(omitted),
  }
}

function readLine(line: string): TimelineEntry | null {
  const values = parse(line)
  const at = numberAt(values, 1)
  switch (values[0]) {
    case KIND.attempt:
      return readAttemptLine(values, at)
    case KIND.deadLettered:
      return { kind: "dead-lettered", at, reason: textAt(values, 2) ?? "", error: readParts(values[3]) }
    case KIND.redriven:
      return { kind: "redriven", at, edit: readEdit(values) }
    case KIND.replayed:
      return { kind: "replayed", at, replay: textAt(values, 2) ?? "" }
    case KIND.purged:
      return { kind: "purged", at }
    default:
      return null
  }
}

function readEdit(values: readonly unknown[]): EditRecord | null {
  const fingerprint = textAt(values, 3)
  return fingerprint === null ? null : { failedAt: numberAt(values, 2), fingerprint, body: textAt(values, 4) }
}

function readAttemptLine(values: readonly unknown[], at: number): TimelineAttempt {
  const durationMs = numberAt(values, 3)
  const outcome = textAt(values, 4)
  return {
    kind: "attempt",
    at,
    startedAt: at - durationMs,
    durationMs,
    attempt: numberAt(values, 2),
    outcome: outcome === "handled" || outcome === "retry" ? outcome : "dead-letter",
    module: textAt(values, 5) ?? "",
    handler: textAt(values, 6) ?? "",
    generation: textAt(values, 7) ?? "",
    reason: textAt(values, 8),
    nextAt: typeof values[9] === "number" ? values[9] : null,
    replay: textAt(values, 10),
    error: readParts(values[ERROR_AT[KIND.attempt]]),
    log: readAttemptLog(values[LOG_AT]),
  }
}

function readParts(parts: unknown): ErrorSummary | null {
  if (!Array.isArray(parts)) return null
  const [name, message, stack] = parts.map(String)
  return { name: name ?? "", message: message ?? "", ...(stack !== undefined && { stack }) }
}

const parse = (line: string): readonly unknown[] => {
  const values: unknown = JSON.parse(line)
  return Array.isArray(values) ? values : []
}

const numberAt = (values: readonly unknown[], place: number): number => {
  const value = values[place]
  return typeof value === "number" ? value : 0
}

const textAt = (values: readonly unknown[], place: number): string | null => {
  const value = values[place]
  return typeof value === "string" ? value : null
}
