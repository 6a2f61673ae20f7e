import * as v from "valibot"
import { type Event, EventDraftSchema, EventSchema, type ValidDraft } from "./envelope.ts"
import { EventInvalidError, MalformedEventError } from "./errors.ts"
import { type Fault, FaultList } from "./faults.ts"
import { plainDraft, plainEvent } from "./plain-event.ts"
import { defaultRoutingKey } from "./routing-space.ts"
import { didYouMean } from "./suggestion.ts"

/**
 * Validates the event that a client or a handler publishes.
 * @throws {EventInvalidError} with the faults and their JSON pointers.
 */
export function validateDraft(input: unknown): ValidDraft {
  return plainDraft(input) ?? validateBySchema(input)
}

function validateBySchema(input: unknown): ValidDraft {
  if (Array.isArray(input)) throw new EventInvalidError([{ pointer: "", message: "must be a JSON object" }])
  const result = v.safeParse(EventDraftSchema, input)
  if (result.success) return result.output
  const list = new FaultList()
  for (const issue of result.issues) {
    if (isUnknownField(issue)) continue
    const { pointer, message } = toFault(issue)
    list.add(pointer, message)
  }
  addUnknownFields(input, list)
  throw new EventInvalidError(list.faults, list.count)
}

const FIELDS = Object.keys(EventDraftSchema.entries)

/** Unknown fields that get a suggestion. A body can have thousands, and each is compared with every field. */
const MAX_SUGGESTIONS = 10

/** Only a CloudEvent has this field. */
const CLOUD_EVENT_ADVICE = "; send a CloudEvent as application/cloudevents+json"

/** For the fields that a stored event has, and a published one has not. */
const SET_BY_SERVICE = "is set by the service: leave it out"

/** Adds every unknown field, because valibot stops at the first. */
function addUnknownFields(input: unknown, list: FaultList): void {
  if (typeof input !== "object" || input === null) return
  const unknown = Object.keys(input).filter((key) => !Object.hasOwn(EventDraftSchema.entries, key))
  for (const [place, key] of unknown.entries()) {
    const meant = place < MAX_SUGGESTIONS ? didYouMean(key, FIELDS) : ""
    const advice = key === "specversion" ? CLOUD_EVENT_ADVICE : meant
    const message = Object.hasOwn(EventSchema.entries, key)
      ? SET_BY_SERVICE
      : `is not a field of an event${advice}`
    list.add(`/${escapePointer(key)}`, message)
  }
}

const isUnknownField = (issue: v.BaseIssue<unknown>): boolean =>
  issue.type === "strict_object" && issue.expected === "never"

/** Completes a valid draft to an event that can be stored. */
export function completeEvent(draft: ValidDraft, newId: () => string, nowMs: number): Event {
  const event: Event = {
    id: draft.id ?? newId(),
    type: draft.type,
    name: draft.name,
    routing_key: draft.routing_key || defaultRoutingKey(draft.type, draft.name),
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
 * Decodes a stored event.
 * @throws {MalformedEventError} if the text is not JSON or not an event.
 */
export function decodeEvent(body: string): Event {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch (cause) {
    throw new MalformedEventError("the message is not JSON", { cause })
  }
  return requireEvent(json)
}

/**
 * Decodes an event that another program stored, with the bounds of a published event.
 * @throws {MalformedEventError} if the text is not JSON, is not an event, or exceeds a bound.
 */
export function requireEvent(
  value: unknown,
  what = "an event",
  faultOf: (fault: Fault) => Fault = (fault) => fault,
): Event {
  return plainEvent(value) ?? requireBySchema(value, what, faultOf)
}

function requireBySchema(value: unknown, what: string, faultOf: (fault: Fault) => Fault): Event {
  const result = v.safeParse(EventSchema, value)
  if (result.success) return result.output
  const { message } = new EventInvalidError(result.issues.map((issue) => faultOf(toFault(issue))))
  throw new MalformedEventError(`the message is not ${what}: ${message}`)
}

function toFault(issue: v.BaseIssue<unknown>): Fault {
  const pointer = (issue.path ?? []).map((item) => `/${escapePointer(String(item.key))}`).join("")
  return { pointer, message: issue.message }
}

/** RFC 6901, section 3: `~` and `/` within a reference token. */
export const escapePointer = (token: string): string => token.replaceAll("~", "~0").replaceAll("/", "~1")
