import { PublishError } from "../../errors.ts"
import { faultOf, PRECONDITION_FAILED } from "./broker-fault.ts"

/**
 * Copies of a message to try, from the most to the least complete: a full copy, twice if another message may
 * have caused the first failure; a minimal copy of the body and this service's own headers; and finally no
 * copy, so that the broker dead-letters the original.
 */
const STEPS = ["full", "again", "minimal", "original"] as const

export type CopyStep = (typeof STEPS)[number]

/** Reply codes for a message that RabbitMQ never accepts. Source: AMQP 0-9-1, section 1.8. */
const FRAME_ERROR = 501
const SYNTAX_ERROR = 502

const OF_A_MESSAGE: ReadonlySet<number> = new Set([PRECONDITION_FAILED, FRAME_ERROR, SYNTAX_ERROR])

/** Chooses the copy to store of a message that RabbitMQ refuses. */
export class CopyLadder {
  #at = 0

  get step(): CopyStep {
    return STEPS[this.#at] ?? "original"
  }

  /**
   * Moves to the next step if the error says that RabbitMQ never accepts this copy. Returns false for other
   * errors. If RabbitMQ closes the connection because of one message, all messages in flight get the same
   * error, so the same copy is tried once more.
   */
  goOn(error: unknown): boolean {
    if (this.step === "original") return false
    if (isOfThisMessage(error)) this.#at = STEPS.indexOf(this.step === "minimal" ? "original" : "minimal")
    else if (isOfSomeMessage(error)) this.#at++
    else return false
    return true
  }
}

/**
 * Returns whether the error certainly concerns this message: RabbitMQ names it, or it could not be encoded.
 */
export function isOfThisMessage(error: unknown): boolean {
  if (!(error instanceof PublishError)) return error instanceof RangeError
  if (error.code === "payload-too-large") return true
  if (error.code !== "engine-refused" || error.cause === undefined) return false
  const fault = faultOf(error.cause)
  // A missing permission is not the message's fault.
  return fault.kind === "cannot-encode" || (fault.kind === "channel-closed" && OF_A_MESSAGE.has(fault.code))
}

/** Returns whether RabbitMQ closed the connection because of some message in flight. */
function isOfSomeMessage(error: unknown): boolean {
  if (!(error instanceof PublishError) || error.cause === undefined) return false
  const fault = faultOf(error.cause)
  return fault.kind === "connection-closed" && OF_A_MESSAGE.has(fault.code)
}
