import type { Event } from "./envelope.ts"

/** The answer to the publisher of a stored event. */
export interface Receipt extends Pick<Event, "id" | "type" | "name" | "routing_key" | "timestamp"> {
  /** Nothing was stored, because an event with this id had been stored before. Absent otherwise. */
  readonly duplicate?: true
  /** Nothing was stored, because this repeats a request with an idempotency key. Absent otherwise. */
  readonly replayed?: true
}
