import { PublishError } from "../../errors.ts"
import { faultOf, PRECONDITION_FAILED } from "./broker-fault.ts"

/**
 * What is tried of a message, from the most to the least: a copy of all that is kept, twice if the first attempt may have
 * failed because of another message; a copy of the body and what this service has to know; and then no copy: the broker
 * has the original.
 */
const STEPS = ["full", "again", "minimal", "original"] as const

export type CopyStep = (typeof STEPS)[number]

/** Reply codes to a message that RabbitMQ never takes. Source: AMQP 0-9-1, section 1.8. */
const FRAME_ERROR = 501
const SYNTAX_ERROR = 502

const OF_A_MESSAGE: ReadonlySet<number> = new Set([PRECONDITION_FAILED, FRAME_ERROR, SYNTAX_ERROR])

/** What to store of a message that RabbitMQ refuses. */
export class CopyLadder {
  #at = 0

  get step(): CopyStep {
    return STEPS[this.#at] ?? "original"
  }

  /**
   * Goes to the next step if the error says that RabbitMQ never takes this message as it was written; false if it says
   * something else. When RabbitMQ closes the connection over a message, its reply is the error of every message in
   * flight: the same copy is tried once more then.
   */
  goOn(error: unknown): boolean {
    if (this.step === "original") return false
    if (isOfThisMessage(error)) this.#at = STEPS.indexOf(this.step === "minimal" ? "original" : "minimal")
    else if (isOfSomeMessage(error)) this.#at++
    else return false
    return true
  }
}

/** Whether the error is of this message for sure: RabbitMQ names it, or it could not be written. */
export function isOfThisMessage(error: unknown): boolean {
  if (!(error instanceof PublishError)) return error instanceof RangeError
  if (error.code === "payload-too-large") return true
  if (error.code !== "engine-refused" || error.cause === undefined) return false
  const fault = faultOf(error.cause)
  // A permission that is missing is no fault of the message.
  return fault.kind === "cannot-encode" || (fault.kind === "channel-closed" && OF_A_MESSAGE.has(fault.code))
}

/** Whether RabbitMQ has closed the connection over a message that was in flight. */
function isOfSomeMessage(error: unknown): boolean {
  if (!(error instanceof PublishError) || error.cause === undefined) return false
  const fault = faultOf(error.cause)
  return fault.kind === "connection-closed" && OF_A_MESSAGE.has(fault.code)
}
