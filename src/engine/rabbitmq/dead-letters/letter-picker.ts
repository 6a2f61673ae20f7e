import { isUtf8 } from "node:buffer"
import type { AMQPMessage } from "@cloudamqp/amqp-client"
import type { DeadLetterFailure } from "../../../event/failure.ts"
import type { DeadLetter, DeadLetterSelection } from "../../dead-letter.ts"
import { matcherOf } from "../../dead-letter-selection.ts"
import { completeForeign, type Origin } from "../wire/complete-foreign.ts"
import { bodyOf, bytesOf, failureOf, NOT_UTF_8, topicBeforeDeath } from "../wire/decode.ts"
import type { LetterCursor } from "./letter-cursor.ts"
import type { Picker } from "./taken-messages.ts"

/** Failure of a message that another program put among the dead letters without a reason. */
const UNKNOWN_FAILURE: DeadLetterFailure = {
  reason: "rejected",
  attempts: 0,
  firstFailedAt: 0,
  lastFailedAt: 0,
  error: null,
  module: null,
}

export interface LetterPickerOptions {
  readonly queue: string
  readonly selection: DeadLetterSelection
  /** Most bytes of picked dead letters that may wait; a single one always may. Default: no limit. */
  readonly maxBytes?: number
  /** Starts after the dead letter at this cursor. */
  readonly cursor?: LetterCursor | null
}

/** Picks selected dead letters as they arrive, up to the limit of the selection and a number of bytes. */
export class LetterPicker implements Picker {
  readonly #queue: string
  readonly #originOf: (message: AMQPMessage) => Origin
  readonly #isSelected
  readonly #limit: number
  readonly #maxBytes: number
  readonly #cursor: LetterCursor | null
  #isBehindCursor: boolean
  #picked = 0
  #waitingBytes = 0
  #isFull = false
  #isStopped = false

  constructor({ queue, selection, maxBytes, cursor = null }: LetterPickerOptions) {
    this.#queue = queue
    this.#originOf = originIn(queue)
    this.#isSelected = matcherOf(selection)
    this.#limit = selection.limit ?? Number.POSITIVE_INFINITY
    this.#maxBytes = maxBytes ?? Number.POSITIVE_INFINITY
    this.#cursor = cursor
    this.#isBehindCursor = cursor === null
  }

  /** Dead letters processed, including skipped ones. */
  passed = 0
  /** The last of them. */
  last: AMQPMessage | null = null

  get isDone(): boolean {
    return this.#picked >= this.#limit || this.#isFull || this.#isStopped || this.isLost
  }

  /** True if more is selected than may wait. The dead letter at which it stopped does not count as passed. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** True if the dead letter at the cursor is neither at its position nor before it. */
  get isLost(): boolean {
    return !this.#isBehindCursor && this.passed >= (this.#cursor?.position ?? 0)
  }

  /** True after it has passed the dead letter at the cursor. */
  get isBehindCursor(): boolean {
    return this.#isBehindCursor
  }

  pick(message: AMQPMessage): boolean {
    if (this.isDone) return false
    completeForeign(message, this.#originOf)
    if (!this.#isBehindCursor) {
      this.#pass(message)
      this.#isBehindCursor = this.#cursor?.pointsTo(message) ?? true
      return false
    }
    const { body, failure } = toLetter(message, this.#queue)
    const isSelected = this.#isSelected({ body, failure })
    if (isSelected && this.#waitingBytes > 0 && this.#waitingBytes + message.bodySize > this.#maxBytes) {
      this.#isFull = true
      return false
    }
    this.#pass(message)
    if (!isSelected) return false
    this.#picked++
    this.#waitingBytes += message.bodySize
    return true
  }

  /** Stops picking. */
  stop(): void {
    this.#isStopped = true
  }

  /** Releases picked dead letters that are processed, which makes room for others. */
  release(messages: readonly AMQPMessage[]): void {
    for (const { bodySize } of messages) this.#waitingBytes -= bodySize
  }

  #pass(message: AMQPMessage): void {
    this.passed++
    this.last = message
  }
}

/** The origin of a dead letter. It does not depend on when the dead letter is read. */
const originIn =
  (queue: string) =>
  (message: AMQPMessage): Origin => ({
    topic: topicBeforeDeath(message, queue),
    timestampMs: () => (failureOf(message, queue) ?? UNKNOWN_FAILURE).firstFailedAt,
  })

/** A message among the dead letters of a queue, as a dead letter. */
export function toLetter(message: AMQPMessage, queue: string): DeadLetter {
  const body = bodyOf(message)
  const failure = failureOf(message, queue) ?? UNKNOWN_FAILURE
  // A text may contain the replacement character itself.
  const isBinary = body.includes(NOT_UTF_8) && !isUtf8(bytesOf(message))
  return isBinary ? { body, bytes: bytesOf(message), failure } : { body, failure }
}
