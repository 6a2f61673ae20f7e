import type { AMQPMessage } from "@cloudamqp/amqp-client"
import type { FailureRecord } from "../../event/failure.ts"
import { matcherOf } from "../dead-letter-selection.ts"
import type { DeadLetter, DeadLetterSelection } from "../engine.ts"
import type { LetterCursor } from "./letter-cursor.ts"
import type { Picker } from "./taken-messages.ts"
import { bodyOf, failureOf } from "./wire/decode.ts"

/** Of a message that somebody else put there, without a word why. */
const UNKNOWN_FAILURE: FailureRecord = {
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
  /** How many bytes of picked letters may wait; one letter may always. Default: no limit. */
  readonly maxBytes?: number
  /** Begins behind the letter that this points to. */
  readonly cursor?: LetterCursor | null
}

/** Picks the dead letters of a selection, as they arrive: up to its limit, and up to a number of bytes. */
export class LetterPicker implements Picker {
  readonly #queue: string
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
    this.#isSelected = matcherOf(selection)
    this.#limit = selection.limit ?? Number.POSITIVE_INFINITY
    this.#maxBytes = maxBytes ?? Number.POSITIVE_INFINITY
    this.#cursor = cursor
    this.#isBehindCursor = cursor === null
  }

  /** How many letters it is through with, those that it passed over too. */
  passed = 0
  /** The last of them. */
  last: AMQPMessage | null = null

  get isDone(): boolean {
    return this.#picked >= this.#limit || this.#isFull || this.#isStopped || this.isLost
  }

  /** More is selected than may wait; the letter that it stopped at is not passed. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** The letter that the cursor points to is not where it was, nor before. */
  get isLost(): boolean {
    return !this.#isBehindCursor && this.passed >= (this.#cursor?.position ?? 0)
  }

  /** Whether it came to the letter that the cursor points to. */
  get isBehindCursor(): boolean {
    return this.#isBehindCursor
  }

  pick(message: AMQPMessage): boolean {
    if (this.isDone) return false
    if (!this.#isBehindCursor) {
      this.#pass(message)
      this.#isBehindCursor = this.#cursor?.pointsTo(message) ?? true
      return false
    }
    const { body, failure } = toLetter(message, this.#queue)
    const isSelected = this.#isSelected({ body, reason: failure.reason })
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

  /** Picks no more. */
  stop(): void {
    this.#isStopped = true
  }

  /** Letters that were picked do not wait any more: there is room for others. */
  release(messages: readonly AMQPMessage[]): void {
    for (const { bodySize } of messages) this.#waitingBytes -= bodySize
  }

  #pass(message: AMQPMessage): void {
    this.passed++
    this.last = message
  }
}

/** A message among the dead letters of a queue, as a dead letter. */
export function toLetter(message: AMQPMessage, queue: string): DeadLetter {
  return { body: bodyOf(message), failure: failureOf(message, queue) ?? UNKNOWN_FAILURE }
}
