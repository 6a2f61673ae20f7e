import * as v from "valibot"
import { EVENT_TYPES } from "../../../event/event-type.ts"
import type { RecentPublishes } from "./recent-publishes.ts"

/** Part of the lines of publishes that can be repeated. No other line has it, because quotes in texts are escaped. */
const HAS_MARKS = '"once":{"marks":['

const MAX_MARKS = 4
const MAX_LENGTH = 255

const text = v.pipe(v.string(), v.maxLength(MAX_LENGTH))

/** A publish, as another instance or another program has written it. */
const LineSchema = v.object({
  fact: v.literal("published"),
  once: v.object({
    marks: v.pipe(
      v.array(
        v.object({ by: v.picklist(["request", "key", "id"]), hash: text, fingerprint: v.nullable(text) }),
      ),
      v.maxLength(MAX_MARKS),
    ),
    until: v.number(),
  }),
  event: v.object({
    id: text,
    type: v.picklist(EVENT_TYPES),
    name: text,
    routing_key: text,
    timestamp: v.number(),
  }),
})

/** Learns from facts which publishes of other instances can be repeated. @param now milliseconds since the epoch */
export function learnPublishes(lines: string, recent: RecentPublishes, now = Date.now()): void {
  if (!lines.includes(HAS_MARKS)) return
  for (const line of lines.split("\n")) {
    if (!line.includes(HAS_MARKS)) continue
    const { success, output } = v.safeParse(LineSchema, parse(line))
    if (!success) continue
    const { once, event } = output
    if (once.until > now) recent.learn(once.marks, event, once.until - now)
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // Another program has written it.
    return null
  }
}
