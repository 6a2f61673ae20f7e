import { MAX_NAME_LENGTH, MAX_SHORT_STRING_BYTES, NAME_PATTERN, type ValidDraft } from "./envelope.ts"
import { EVENT_TYPES, type EventType } from "./event-type.ts"
import { isJsonObject } from "./json-text.ts"
import { DEFAULT_PRIORITY, PRIORITIES, type Priority } from "./priority.ts"

/** Printable ASCII: well-formed, without control characters, and one byte a character. */
const PRINTABLE = /^[\x20-\x7e]+$/

const REQUIRED_FIELDS = 3

/**
 * Returns a draft with its defaults if it is plainly valid, as nearly all drafts are, in a third of the time that the
 * schema takes. Null decides nothing: the schema does.
 */
export function plainDraft(input: unknown): ValidDraft | null {
  if (!isJsonObject(input)) return null
  const { id, type, name, payload, routing_key, priority, metadata, ordering_key } = input
  if (!isType(type) || !isName(name) || !isJsonObject(payload)) return null
  const draft: ValidDraft = { type, name, payload, priority: DEFAULT_PRIORITY, metadata: {} }
  let known = REQUIRED_FIELDS
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

const isName = (value: unknown): value is string =>
  typeof value === "string" && value.length <= MAX_NAME_LENGTH && NAME_PATTERN.test(value)

const isPlain = (value: unknown, maxLength: number): value is string =>
  typeof value === "string" && value.length <= maxLength && PRINTABLE.test(value)
