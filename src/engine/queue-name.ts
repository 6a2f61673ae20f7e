import * as v from "valibot"
import { MAX_SHORT_STRING_BYTES } from "../event/envelope.ts"

/** Prefixes of the names that the RabbitMQ engine gives to its own queues and exchanges, and of RabbitMQ's own names. */
const RESERVED = ["amq.", "dead.", "event-broker.", "ordered.", "retry."]

/** The longest name that RabbitMQ's engine derives from a queue's: that of its delay tier of a year. */
const DERIVED = "retry..40000000000"
const MAX_LENGTH = MAX_SHORT_STRING_BYTES - DERIVED.length

/** A valid name of a queue of events, on every engine. */
export const QueueNameSchema = v.pipe(
  v.string("must be a string"),
  v.regex(/^[A-Za-z0-9_.-]+$/, "must be letters, digits, _, - and dots"),
  v.maxLength(MAX_LENGTH, `must have at most ${MAX_LENGTH} characters`),
  v.check(
    (name) => !RESERVED.some((prefix) => name.startsWith(prefix)),
    `must be a name without the reserved prefixes ${RESERVED.join(", ")}`,
  ),
)
