/** Levels of the lines that handlers write to the log. */
const LEVELS = ["debug", "info", "warn", "error"] as const

/** A line that a handler wrote to the log during an attempt. */
export interface AttemptLine {
  /** When it arrived, in milliseconds since the epoch. */
  readonly at: number
  readonly level: (typeof LEVELS)[number]
  /** The message, and behind it the fields as JSON, if it has any; cut to a bound. */
  readonly text: string
}

/** The last lines that an attempt wrote to the log. */
export interface AttemptLog {
  readonly lines: readonly AttemptLine[]
  /** Number of earlier lines that are left out; absent if there are none. */
  readonly omitted?: number
}

/** Most lines that are kept of an attempt. */
const MAX_ATTEMPT_LINES = 20

/** Most characters that are kept of the lines of an attempt, in UTF-16 code units. */
export const MAX_ATTEMPT_LOG_LENGTH = 4_096

/** Longest line that is kept whole, in the same unit. */
const MAX_LINE_LENGTH = 1_024

/** Returns the text of a line. @param fields a JSON object */
export function lineText(message: string, fields: string): string {
  const text = fields === "{}" ? message : `${message} ${fields}`.trimStart()
  return text.length > MAX_LINE_LENGTH ? `${text.slice(0, MAX_LINE_LENGTH)}…` : text
}

/** Returns a log with the last lines of another one, of at most so many characters. */
export function lastLines({ lines, omitted = 0 }: AttemptLog, maxLength: number): AttemptLog {
  let length = 0
  let first = lines.length
  while (first > 0 && lines.length - first < MAX_ATTEMPT_LINES) {
    length += lines[first - 1]?.text.length ?? 0
    if (length > maxLength) break
    first--
  }
  const left = omitted + first
  return { lines: lines.slice(first), ...(left > 0 && { omitted: left }) }
}

/** Reads the log of a fact; null if there is none. Lines that are none are left out. */
export function readAttemptLog(value: unknown): AttemptLog | null {
  if (typeof value !== "object" || value === null || !("lines" in value) || !Array.isArray(value.lines))
    return null
  const lines = value.lines.flatMap((line: unknown) => readLine(line) ?? [])
  const omitted = "omitted" in value && typeof value.omitted === "number" ? value.omitted : 0
  return lines.length === 0 && omitted === 0 ? null : lastLines({ lines, omitted }, MAX_ATTEMPT_LOG_LENGTH)
}

function readLine(value: unknown): AttemptLine | null {
  if (typeof value !== "object" || value === null) return null
  if (!("at" in value) || !("level" in value) || !("text" in value)) return null
  const { at, text } = value
  const level = LEVELS.find((each) => each === value.level)
  if (typeof at !== "number" || level === undefined || typeof text !== "string") return null
  return { at, level, text: lineText(text, "{}") }
}
