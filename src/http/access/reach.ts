import type { QueueStats } from "../../engine/engine.ts"
import { EVENT_TYPES, type EventType } from "../../event/event-type.ts"
import { isWithin, type RoutingSpace, spaceOf } from "../../event/routing-space.ts"
import { ProblemError } from "../problem.ts"
import type { StoredKey } from "./key-file.ts"

/**
 * The reach of a key with `types`: the routing keys of its types, however an event is labelled. Every route
 * that shows, takes or moves events asks here.
 */

/**
 * Returns the routing keys that a key may reach. Null means all: the key has no `types`, or the service has
 * no keys.
 */
export function reachOf(key: StoredKey | null): RoutingSpace | null {
  return key?.types === undefined ? null : spaceOf(key.types)
}

/**
 * Checks that a key may publish a draft: the key has the draft's type, and the routing key, given or default,
 * is in the key's reach. Skips a draft that can't become an event, because validation rejects it with all of
 * its faults.
 * @throws {ProblemError} `forbidden`, with the outcome `not-stored`.
 */
export function requirePublish(key: StoredKey | null, draft: unknown): void {
  if (key?.types === undefined || typeof draft !== "object" || draft === null || !("type" in draft)) return
  if (!isEventType(draft.type)) return
  const routingKey = "routing_key" in draft ? draft.routing_key : undefined
  // An empty routing key means the default, which begins with the event's type.
  const isWhereTypeLeads = typeof routingKey !== "string" || routingKey === ""
  if (key.types.includes(draft.type) && (isWhereTypeLeads || isWithin(spaceOf(key.types), routingKey))) return
  const detail = `The key ${key.name} may publish only events of ${typesOf(key)}, with routing keys in ${spaceIn(key)}.`
  throw new ProblemError("forbidden", detail, { outcome: "not-stored" })
}

/**
 * Checks that a key may ask about events of a type. Skips unknown types. @throws {ProblemError} `forbidden`.
 */
export function requireType(key: StoredKey | null, type: string): void {
  if (key?.types === undefined || !isEventType(type) || key.types.includes(type)) return
  throw new ProblemError("forbidden", `The key ${key.name} may publish only events of ${typesOf(key)}.`)
}

/**
 * Checks that a key may change how a queue is consumed: every binding of the queue is in the key's reach.
 * Only keys without `types` reach a queue that does not exist or has no known bindings.
 * @throws {ProblemError} `forbidden`.
 */
export function requireQueue(key: StoredKey | null, { bindings }: QueueStats): void {
  const reach = reachOf(key)
  if (key === null || reach === null) return
  if (bindings.length > 0 && bindings.every((pattern) => isWithin(reach, pattern))) return
  const detail = `The key ${key.name} may pause, resume and replay to only those queues whose bindings are all in ${spaceIn(key)}.`
  throw new ProblemError("forbidden", detail)
}

const isEventType = (type: unknown): type is EventType => EVENT_TYPES.some((each) => each === type)

const typesOf = ({ types = [] }: StoredKey): string =>
  types.length === 1 ? `the type ${types[0]}` : `the types ${types.join(", ")}`

/** Returns the reach of a key as topic patterns, for error messages. */
const spaceIn = ({ types = [] }: StoredKey): string =>
  spaceOf(types)
    .map((root) => `${root}.#`)
    .join(", ")
