import type { EventQuery } from "../../api/answers.ts"

/** Words of a search, with the parameters of the API that they stand for. */
const WORDS: Readonly<Record<string, string>> = {
  type: "type",
  name: "name",
  queue: "queue",
  state: "state",
  status: "status",
  key: "ordering_key",
  trace: "trace",
  cause: "caused_by",
  since: "since",
  until: "until",
  text: "text",
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

export interface Search {
  readonly query: EventQuery
  /** Says what is wrong with the text; null if nothing is. */
  readonly fault: string | null
}

/**
 * Parses a search such as `type:voice state:dead since:2h "no answer"`. A word without a name is searched in the payload.
 * @param now in seconds since the epoch
 */
export function parseSearch(text: string, now: number): Search {
  const query: Record<string, string> = {}
  const words: string[] = []
  for (const [, name, quoted, plain] of text.matchAll(/(?:([a-z_]+):)?(?:"([^"]*)"|(\S+))/g)) {
    const value = quoted ?? plain ?? ""
    if (name === undefined) {
      words.push(value)
      continue
    }
    const parameter = WORDS[name]
    if (parameter === undefined) {
      return {
        query: {},
        fault: `${name}: is no word of a search. These are: ${Object.keys(WORDS).join(", ")}.`,
      }
    }
    query[parameter] = name === "since" || name === "until" ? timeOf(value, now) : value
  }
  if (words.length > 0) query["text"] = words.join(" ")
  return { query, fault: null }
}

/** Returns a time as the API takes it: `2h` is two hours ago. Other texts are left as they are. */
function timeOf(value: string, now: number): string {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(value) ?? []
  const seconds = SECONDS[unit ?? ""]
  return seconds === undefined ? value : String(Math.floor(now - Number(count) * seconds))
}
