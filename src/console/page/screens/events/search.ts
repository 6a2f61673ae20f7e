import type { EventQuery } from "../../api/answers.ts"

/** Words of a search, with the parameters of the API that they stand for. */
const WORDS: Readonly<Record<string, string>> = {
  type: "type",
  name: "name",
  queue: "queue",
  state: "state",
  status: "status",
  key: "ordering_key",
  ordering_key: "ordering_key",
  trace: "trace",
  cause: "caused_by",
  caused_by: "caused_by",
  since: "since",
  until: "until",
  text: "text",
}

/** The words that the console names. */
const NAMES = Object.keys(WORDS)
  .filter((name) => !name.includes("_"))
  .map((name) => `${name}:`)
  .join(", ")

/** A part of a search, with the word before it. */
const PART = /(?:([A-Za-z_-]+):)?(?:"((?:[^"\\]|\\.)*)"|(\S+))/gs

/** In quotes, these two are written with a backslash before them. Any other backslash stands for itself. */
const ESCAPED = /\\(["\\])/g

const DAY_AND_TIME = /\b((?:since|until):\d{4}-\d\d-\d\d) (\d\d:\d\d)/gi

/** Returns a value as a search can hold any: in quotes. */
export const quoted = (value: string): string => `"${value.replaceAll(/["\\]/g, "\\$&")}"`

/** Returns the id that a search may look for: `id:` and a value, or a word alone; null if it looks for something else. */
export function idIn(text: string): string | null {
  const [part, ...others] = text.matchAll(PART)
  if (part === undefined || others.length > 0) return null
  const [, word = "id", quotedText, plain = ""] = part
  return word.toLowerCase() === "id" ? (quotedText?.replaceAll(ESCAPED, "$1") ?? plain) : null
}

const OPEN_QUOTE = 'A quote is not closed. Within quotes, write \\" for a quote and \\\\ for a backslash.'

const TIMES =
  "It takes 30m, 2h or 1d ago, yesterday, today, 14:30, 2026-11-23, 2026-11-23 14:30, and RFC 3339."

/** Words for days, with how many days ago they began. */
const DAYS: Readonly<Record<string, number>> = { today: 0, yesterday: 1 }

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

export interface Search {
  readonly query: EventQuery
  /** Says what is wrong with the text; null if nothing is. */
  readonly fault: string | null
}

/**
 * Parses a search such as `type:voice state:dead since:2h "no answer"`. A word without a name is searched in the payload.
 * A value in quotes may have spaces, and quotes with a backslash before each.
 * @param now in seconds since the epoch
 */
export function parseSearch(text: string, now: number): Search {
  const query: Record<string, string> = {}
  const words: string[] = []
  for (const [, word, quotedText, plain] of text.replace(DAY_AND_TIME, "$1T$2").matchAll(PART)) {
    if (plain?.startsWith('"')) return { query: {}, fault: OPEN_QUOTE }
    const value = quotedText?.replaceAll(ESCAPED, "$1") ?? plain ?? ""
    const name = word?.toLowerCase().replaceAll("-", "_")
    if (name === undefined) {
      words.push(value)
      continue
    }
    const parameter = Object.hasOwn(WORDS, name) ? WORDS[name] : undefined
    if (parameter === undefined) {
      return {
        query: {},
        fault: `A search has no ${word}: – it has ${NAMES}. Put a text with a colon in quotes.`,
      }
    }
    if (name === "since" || name === "until") {
      const time = timeOf(value, now)
      if (!isTime(time)) return { query: {}, fault: `${name}: is no time: “${value}”. ${TIMES}` }
      query[parameter] = time
    } else query[parameter] = value
  }
  if (words.length > 0) query["text"] = words.join(" ")
  return { query, fault: null }
}

/**
 * Returns a time as the API takes it: `2h` is two hours ago, `14:30` today, and a time without a zone is in that of the
 * browser. Other texts are left as they are.
 */
function timeOf(value: string, now: number): string {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(value) ?? []
  const seconds = SECONDS[unit ?? ""]
  if (seconds !== undefined) return String(Math.floor(now - Number(count) * seconds))
  const local = localTimeOf(value, now)
  return Number.isNaN(local) ? value : String(local / 1_000)
}

/** Returns whether the API takes a text as a time, as far as a browser can tell. */
const isTime = (text: string): boolean => /^\d+(\.\d+)?$/.test(text) || !Number.isNaN(Date.parse(text))

/** Returns milliseconds since the epoch, or NaN if the text is no time without a zone. */
function localTimeOf(value: string, now: number): number {
  if (/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$/.test(value)) {
    return new Date(value.length > 10 ? value : `${value}T00:00`).getTime()
  }
  const day = value.toLowerCase()
  const days = Object.hasOwn(DAYS, day) ? DAYS[day] : undefined
  if (days !== undefined) {
    const today = new Date(now * 1_000)
    return new Date(today.getFullYear(), today.getMonth(), today.getDate() - days).getTime()
  }
  const [, hours, minutes, seconds = "0"] = /^(\d\d?):(\d\d)(?::(\d\d))?$/.exec(value) ?? []
  return hours === undefined
    ? Number.NaN
    : new Date(now * 1_000).setHours(Number(hours), Number(minutes), Number(seconds), 0)
}
