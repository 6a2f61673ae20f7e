/**
 * Quick checks before those of the schemas, which take about three times as long. They accept what is plainly valid, as
 * nearly all drafts and events are. Null decides nothing: the schema does.
 */
import {
  type Event,
  MAX_NAME_LENGTH,
  MAX_SHORT_STRING_BYTES,
  MAX_TIMESTAMP,
  NAME_PATTERN,
  type ValidDraft,
} from "./envelope.ts"
import { EVENT_TYPES, type EventType } from "./event-type.ts"
import { isJsonObject } from "./json-text.ts"
import { DEFAULT_PRIORITY, PRIORITIES, type Priority } from "./priority.ts"
import { MAX_RETRY_COUNT } from "./retry-bounds.ts"

/** Printable ASCII: well-formed, without control characters, and one byte a character. */
const PRINTABLE = /^[\x20-\x7e]+$/

/** Fields that every draft, and every event, has. */
const DRAFT_FIELDS = 3
const EVENT_FIELDS = 10

/** Returns a draft with its defaults if it is plainly valid. */
export function plainDraft(input: unknown): ValidDraft | null {
  if (!isJsonObject(input)) return null
  const { id, type, name, payload, routing_key, priority, metadata, ordering_key } = input
  if (!isType(type) || !isName(name) || !isJsonObject(payload)) return null
  const draft: ValidDraft = { type, name, payload, priority: DEFAULT_PRIORITY, metadata: {} }
  let known = DRAFT_FIELDS
  if (id !== undefined) {
    if (!isPlain(id, MAX_NAME_LENGTH)) return null
    draft.id = id
    known++
  }
  if (routing_key !== undefined) {
    if (!isPlain(routing_key, MAX_SHORT_STRING_BYTES)) return null
    draft.routing_key = routing_key
    known++
  }
  if (priority !== undefined) {
    if (!isPriority(priority)) return null
    draft.priority = priority
    known++
  }
  if (metadata !== undefined) {
    if (!isJsonObject(metadata)) return null
    draft.metadata = metadata
    known++
  }
  if (ordering_key !== undefined) {
    if (!isPlain(ordering_key, MAX_NAME_LENGTH)) return null
    draft.ordering_key = ordering_key
    known++
  }
  return hasFields(input, known) ? draft : null
}

/** Returns a stored event if it is plainly valid. */
export function plainEvent(input: unknown): Event | null {
  if (!isJsonObject(input)) return null
  const { id, type, name, routing_key, payload, priority, metadata, ordering_key } = input
  if (!isPlain(id, MAX_NAME_LENGTH) || !isType(type) || !isName(name)) return null
  if (!isPlain(routing_key, MAX_SHORT_STRING_BYTES) || !isPriority(priority)) return null
  if (!isJsonObject(payload) || !isJsonObject(metadata)) return null
  const { timestamp, status, retry_count } = input
  if (!isWithin(timestamp, MAX_TIMESTAMP) || status !== "pending") return null
  if (!isWithin(retry_count, MAX_RETRY_COUNT) || !Number.isInteger(retry_count)) return null
  const event = {
    id,
    type,
    name,
    routing_key,
    payload,
    priority,
    metadata,
    timestamp,
    status,
    retry_count,
  } as const
  if (ordering_key === undefined) return hasFields(input, EVENT_FIELDS) ? event : null
  if (!isPlain(ordering_key, MAX_NAME_LENGTH) || !hasFields(input, EVENT_FIELDS + 1)) return null
  return { ...event, ordering_key }
}

/** Returns whether an object has so many fields. An unknown field, or one that is undefined, makes one more. */
function hasFields(input: object, count: number): boolean {
  let fields = 0
  for (const _ in input) fields++
  return fields === count
}

const TYPES = new Set<unknown>(EVENT_TYPES)
const KNOWN_PRIORITIES = new Set<unknown>(PRIORITIES)

const isType = (value: unknown): value is EventType => TYPES.has(value)

const isPriority = (value: unknown): value is Priority => KNOWN_PRIORITIES.has(value)

const isWithin = (value: unknown, most: number): value is number =>
  typeof value === "number" && value >= 0 && value <= most

const isName = (value: unknown): value is string =>
  typeof value === "string" && value.length <= MAX_NAME_LENGTH && NAME_PATTERN.test(value)

const isPlain = (value: unknown, maxLength: number): value is string =>
  typeof value === "string" && value.length <= maxLength && PRINTABLE.test(value)
