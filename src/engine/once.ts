import type { Origin } from "../event/origin.ts"
import type { Receipt } from "../event/receipt.ts"
import { PublishError } from "./errors.ts"

/** Something by which a publish is recognized when it is repeated. */
export interface Mark {
  /** Identifies the marked thing: a hash that only its repetitions share. */
  readonly hash: string
  /** Hash of what a repetition must not change; null if it may change everything. */
  readonly fingerprint: string | null
  /**
   * `request`: marks a request of several events, each of which has a mark of its own. `key`: marks an event by the
   * idempotency key of its request. `id`: marks an event by its id.
   */
  readonly by: "request" | "key" | "id"
}

/** Makes an event that is published repeatedly be stored once. */
export interface Once {
  /** At least one mark. */
  readonly marks: readonly Mark[]
  /** Time for which marks are remembered, from the first publish on, in milliseconds. */
  readonly windowMs: number
}

/** Every delivery of the event carries its origin. Default: neither a trace nor a lineage. */
export interface PublishOptions extends Partial<Origin> {
  /**
   * The marks by which a repetition is recognized. Default: none, so every publish is stored. The capability
   * `deduplicates` says which repetitions the engine recognizes.
   */
  readonly once?: Once | null
}

/** The record of a mark. */
export interface Remembered {
  readonly fingerprint: string | null
  /** The receipt of the event; null for the mark of a request. */
  readonly receipt: Receipt | null
}

/** The result of looking up the marks of a publish. */
export interface Recognition {
  /** The answer, if the event is stored already. */
  readonly repeats: Receipt | null
  /** The marks that are not remembered. */
  readonly missing: readonly Mark[]
}

/**
 * Looks up the marks of a publish. Returns the error `idempotency-key-reused` if the key was used for something else.
 * @param find returns what is remembered for a mark within the window
 */
export function recognize(
  { marks }: Once,
  find: (mark: Mark) => Remembered | null,
): Recognition | PublishError {
  const missing: Mark[] = []
  let repeats: Receipt | null = null
  for (const mark of marks) {
    const known = find(mark)
    if (known === null) missing.push(mark)
    else if (mark.fingerprint !== null && mark.fingerprint !== known.fingerprint) return reused()
    else repeats ??= answerOf(mark, known)
  }
  return { repeats, missing }
}

/** Returns what to remember for a mark, once its event is stored or known to be. */
export function toRemember(mark: Mark, receipt: Receipt): Remembered {
  const { id, type, name, routing_key, timestamp, duplicate } = receipt
  const own = { id, type, name, routing_key, timestamp, ...(duplicate && { duplicate }) }
  return { fingerprint: mark.fingerprint, receipt: mark.by === "request" ? null : own }
}

function answerOf({ by }: Mark, { receipt }: Remembered): Receipt | null {
  if (receipt === null) return null
  return by === "key" ? { ...receipt, replayed: true } : { ...receipt, duplicate: true }
}

const reused = (): PublishError =>
  new PublishError(
    "idempotency-key-reused",
    "the idempotency key was used before, for a request with another body: use a new key for each request",
  )
