import { PublishError } from "../../errors.ts"
import {
  type BrokerFault,
  type ChannelClosed,
  faultError,
  NOT_FOUND,
  sizeRefusal,
} from "../wire/broker-fault.ts"
import { type Outgoing, sizeOf } from "./pending-publish.ts"

/** Returns the error of the publish that RabbitMQ closed its channel for. */
export function errorOfCulprit(fault: ChannelClosed, { body }: Outgoing): PublishError {
  const cause = faultError(fault)
  const size = sizeRefusal(fault)
  if (size !== null) return tooLarge(sizeOf(body), size.limit, cause)
  const text = `RabbitMQ refused the event: ${cause.message}`
  // A deleted object is declared again, and may exist at the next attempt.
  if (fault.code === NOT_FOUND) return new PublishError("engine-unavailable", text, "not-stored", { cause })
  return new PublishError("engine-refused", text, "not-stored", { cause })
}

/** Returns the error of a publish to a destination that RabbitMQ refuses. */
export const refused = (reason: string): PublishError =>
  new PublishError("engine-refused", `RabbitMQ refused the event: ${reason}`)

/** Returns the error of an event above RabbitMQ's maximum message size; sizes are in bytes. */
export const tooLarge = (size: number, limit: number, cause?: Error): PublishError =>
  new PublishError(
    "payload-too-large",
    `the event has ${size} bytes, but RabbitMQ accepts messages of at most ${limit} bytes`,
    "not-stored",
    { cause },
  )

/** Returns the error of a publish that failed alone or with its connection. */
export function errorOf(fault: BrokerFault): PublishError {
  const cause = faultError(fault)
  switch (fault.kind) {
    case "nacked":
      return new PublishError("queue-full", "a queue that the event is routed to is full", "unknown", {
        cause,
      })
    case "blocked": {
      const text = `RabbitMQ blocks publishers: ${fault.text}`
      return new PublishError("engine-unavailable", text, "not-stored", { cause })
    }
    case "cannot-encode": {
      const text = `the event can't be encoded as an AMQP message: ${fault.text}`
      return new PublishError("engine-refused", text, "not-stored", { cause })
    }
    default: {
      const text = `the connection was lost before the confirm: ${cause.message}`
      return new PublishError("confirm-timeout", text, "unknown", { cause })
    }
  }
}

export const unconfirmed = (timeoutMs: number): PublishError =>
  new PublishError("confirm-timeout", `no confirm within ${timeoutMs} ms`, "unknown")
