import * as v from "valibot"
import { type Event, EventDraftSchema, EventSchema } from "./envelope.ts"
import { EventInvalidError, type Fault, MalformedEventError } from "./errors.ts"

/** Unknown fields that a refusal lists at the most. */
const MAX_UNKNOWN_FIELDS = 20

/** A draft that was found valid, with its defaults filled in. */
export type ValidDraft = v.InferOutput<typeof EventDraftSchema>

/**
 * Checks what somebody wants to publish.
 * @throws {EventInvalidError} with every fault and its JSON pointer.
 */
export function validateDraft(input: unknown): ValidDraft {
  if (Array.isArray(input)) throw new EventInvalidError([{ pointer: "", message: "must be a JSON object" }])
  const result = v.safeParse(EventDraftSchema, input)
  if (result.success) return result.output
  const faults = result.issues.filter((issue) => !isUnknownField(issue)).map(toFault)
  throw new EventInvalidError([...faults, ...unknownFields(input)])
}

/** valibot stops at the first unknown field; a client wants to know all of them. */
function unknownFields(input: unknown): readonly Fault[] {
  if (typeof input !== "object" || input === null) return []
  return Object.keys(input)
    .filter((key) => !Object.hasOwn(EventDraftSchema.entries, key))
    .slice(0, MAX_UNKNOWN_FIELDS)
    .map((key) => ({ pointer: `/${escapePointer(key)}`, message: "is not a field of an event" }))
}

const isUnknownField = (issue: v.BaseIssue<unknown>): boolean =>
  issue.type === "strict_object" && issue.expected === "never"

/** Makes a stored event of a valid draft. */
export function completeEvent(draft: ValidDraft, newId: () => string, nowMs: number): Event {
  const event: Event = {
    id: draft.id ?? newId(),
    type: draft.type,
    name: draft.name,
    routing_key: draft.routing_key || `events.${draft.type}.${draft.name}`,
    payload: draft.payload,
    priority: draft.priority,
    metadata: draft.metadata,
    timestamp: nowMs / 1_000,
    status: "pending",
    retry_count: 0,
  }
  return draft.ordering_key === undefined ? event : { ...event, ordering_key: draft.ordering_key }
}

/**
 * Reads a stored event.
 * @throws {MalformedEventError} where the text is not JSON or not an event.
 */
export function decodeEvent(body: string): Event {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch (cause) {
    throw new MalformedEventError("the message is not JSON", { cause })
  }
  const result = v.safeParse(EventSchema, json)
  if (result.success) return result.output
  const faults = result.issues.map(toFault).map(({ pointer, message }) => `${pointer || "/"} ${message}`)
  throw new MalformedEventError(`the message is not an event: ${faults.join("; ")}`)
}

function toFault(issue: v.BaseIssue<unknown>): Fault {
  const pointer = (issue.path ?? []).map((item) => `/${escapePointer(String(item.key))}`).join("")
  return { pointer, message: issue.message }
}

/** RFC 6901, section 3: `~` and `/` within a reference token. */
export const escapePointer = (token: string): string => token.replaceAll("~", "~0").replaceAll("/", "~1")
