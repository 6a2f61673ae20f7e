/** The states whose numbers are stored: unfinished ones come first, failed ones last. */
export const STORED_STATES = ["waiting", "retrying", "handled", "dead", "expired", "cancelled"] as const

/**
 * The state of an event on one queue. `expired` is a dead letter that waited too long, `cancelled` was purged. An event is
 * `unknown` on a queue that did not confirm it, until something happens to it there.
 */
export const DELIVERY_STATES = [...STORED_STATES, "unknown"] as const

export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** The state of an event over all of its queues; `unknown` if the history does not know which they are. */
export const EVENT_STATUSES = ["pending", "processing", "completed", "failed", "unknown"] as const

export type EventStatus = (typeof EVENT_STATUSES)[number]

/** Stored number of each state. */
export const STATE = { waiting: 0, retrying: 1, handled: 2, dead: 3, expired: 4, cancelled: 5 } as const

/** The stored reason of a `waiting` delivery that is shown as `unknown`. */
export const UNCONFIRMED = "unconfirmed"

/** Lowest number of a failed state; the states below `STATE.handled` are unfinished. */
export const FIRST_FAILED = STATE.dead

/** The state of one delivery, as far as it matters for the status of its event. */
interface Progress {
  /** `running` is known only to the instance that runs the handler. */
  readonly state: DeliveryState | "running"
  /** True if anything happened since the event was published. */
  readonly hasBegun: boolean
}

/**
 * Sums up the deliveries of an event. `pending`: nothing has happened yet, as far as is known. `processing`: at least one is
 * unfinished. `completed`: all are handled. `failed`: all are finished, and at least one is not handled. `unknown`: those
 * that are known are finished, and there may be others.
 * @param areAllKnown false if the publication is not known, and so neither the queues that the event was put on
 */
export function statusOf(deliveries: readonly Progress[], areAllKnown: boolean): EventStatus {
  if (deliveries.every(({ state, hasBegun }) => isWaiting(state) && !hasBegun)) return "pending"
  if (deliveries.some(({ state }) => isUnfinished(state))) return "processing"
  if (!areAllKnown) return "unknown"
  return deliveries.every(({ state }) => state === "handled") ? "completed" : "failed"
}

const isWaiting = (state: Progress["state"]): boolean => state === "waiting" || state === "unknown"

const isUnfinished = (state: Progress["state"]): boolean =>
  isWaiting(state) || state === "retrying" || state === "running"
