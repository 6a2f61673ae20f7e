import { isJsonObject } from "../event/json-text.ts"
import { isDefaultRoutingKey } from "../event/routing-space.ts"
import { requireEvent } from "../event/validate.ts"

/** The fields of an event that the history searches by. */
export interface DescribedEvent extends Record<"id" | "name" | "type" | "routing_key", string> {
  readonly ordering_key?: string | undefined
}

/** An event within a fact. */
export interface FactEvent {
  readonly event: DescribedEvent
  /** Its JSON, byte for byte: parsing and writing it again would change large numbers. Null if it is not whole. */
  readonly body: string | null
  /** The part of the body that is stored. Default: not known yet. */
  readonly stored?: string | undefined
}

/** Returns the routing key as it is stored: null if it is the one of the event's type and name. */
export const storedRoutingKey = ({ type, name, routing_key }: DescribedEvent): string | null =>
  isDefaultRoutingKey(routing_key, type, name) ? null : routing_key

/** A line, parsed, with the text of its event. */
export interface ParsedLine {
  readonly fact: Readonly<Record<string, unknown>>
  /** Null if there is no event. */
  readonly body: string | null
}

/** Begins the event of a fact. Outside of a key, the text can't occur in JSON: quotes within strings are escaped. */
const EVENT_KEY = ',"event":'

/** The beginning of a publication's line as this service writes it, with strings that need no unescaping. */
const PLAIN_HEAD =
  /^\{"fact":"published","at":(\d+(?:\.\d+)?),"queues":(\[(?:"[^"\\]*",?)*\])(?:,"trace":"([^"\\]*)")?(?:,"caused_by":"([^"\\]*)")?(?:,"once":(\{(?:[^{}]|\{[^{}]*\})*\}))?$/

/** Parses a line of facts. Returns null if it is not a JSON object. */
export function parseLine(line: string): ParsedLine | null {
  try {
    const at = line.indexOf(EVENT_KEY)
    if (at < 0) return parsed(JSON.parse(line), null)
    return parsePlain(line, at) ?? splitLine(line, at) ?? wholeLine(line)
  } catch {
    // Another version of the service, or another program, wrote something else: the caller skips and counts it.
    return null
  }
}

/** The fields of a `published` fact that the history uses, without its event. Not checked. */
export interface PublicationHead {
  readonly at: number
  readonly queues: unknown
  readonly trace?: unknown
  readonly caused_by?: unknown
}

/** The line of a publication as this service writes it, in parts. */
interface PlainLine {
  readonly head: PublicationHead
  readonly once: string | undefined
  /** The text of the event, if nothing follows it. */
  readonly body: string
}

/** Takes the line of a publication apart. Returns null if its beginning is not as this service writes it. */
export function plainLine(line: string, at = line.indexOf(EVENT_KEY)): PlainLine | null {
  const [, time, names = "", trace, caused_by, once] = PLAIN_HEAD.exec(line.slice(0, Math.max(at, 0))) ?? []
  const queues = time === undefined ? null : parseQueues(names)
  if (queues === null) return null
  return { head: { at: Number(time), queues, trace, caused_by }, once, body: bodyAt(line, at) }
}

/** Parses a line as this service writes it: only its event, which proves where the event ends. Returns null for any other. */
function parsePlain(line: string, at: number): ParsedLine | null {
  try {
    const plain = plainLine(line, at)
    if (plain === null) return null
    const { head, once, body } = plain
    const parts = { once: once === undefined ? undefined : JSON.parse(once), event: JSON.parse(body) }
    return { fact: { fact: "published", ...head, ...parts }, body }
  } catch {
    // Something follows the event, or the line is not JSON.
    return null
  }
}

/** The latest list of queues: most publications are routed as the one before. */
let latestQueues: { readonly text: string; readonly queues: unknown } = { text: "[]", queues: [] }

/** Returns null for what is not JSON. */
function parseQueues(text: string): unknown {
  try {
    if (text !== latestQueues.text) latestQueues = { text, queues: JSON.parse(text) }
    return latestQueues.queues
  } catch {
    // The line is read as one of any form, and skipped if it is damaged.
    return null
  }
}

/** Parses a line whose event comes last, in two pieces, which proves that it does. Returns null if it does not. */
function splitLine(line: string, at: number): ParsedLine | null {
  const body = bodyAt(line, at)
  try {
    const head: unknown = JSON.parse(`${line.slice(0, at)}}`)
    const event: unknown = JSON.parse(body)
    return isJsonObject(head) ? { fact: { ...head, event }, body } : null
  } catch {
    // The event is elsewhere in the line, or the line is not JSON.
    return null
  }
}

/** Parses a line of any form. Its event is written again, because its place in the line is unknown. */
function wholeLine(line: string): ParsedLine | null {
  const fact: unknown = JSON.parse(line)
  const event = isJsonObject(fact) ? fact["event"] : undefined
  return parsed(fact, event === undefined ? null : JSON.stringify(event))
}

const parsed = (fact: unknown, body: string | null): ParsedLine | null =>
  isJsonObject(fact) ? { fact, body } : null

const bodyAt = (line: string, at: number): string => line.slice(at + EVENT_KEY.length, -1)

/** Returns the event of a fact if it is one. */
export function eventOf({ fact, body }: ParsedLine): FactEvent | null {
  if (body === null) return null
  try {
    return { event: requireEvent(fact["event"]), body }
  } catch {
    // The fact tells of something that is not an event. It may have an id nevertheless.
    return null
  }
}
