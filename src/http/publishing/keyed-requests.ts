import { RequestKey } from "../../publisher/deduplication.ts"
import type { StoredKey } from "../access/key-file.ts"
import { ProblemError } from "../problem.ts"
import { IDEMPOTENCY_KEY, parseIdempotencyKey } from "./idempotency-key.ts"

/** Name of the response header of a repeated request. */
export const IDEMPOTENCY_REPLAYED = "Idempotency-Replayed"

/** Most keys whose requests are known to be answered. */
const MAX_ANSWERED = 10_000

/** A request with an idempotency key. The key is in flight until this is disposed of. */
export interface KeyedRequest extends RequestKey, Disposable {
  /** Everything in the request is stored: repetitions of it may come side by side, because the engine recognizes each. */
  answered(): void
}

/** The idempotency keys of requests in flight. */
export class KeyedRequests {
  /** How long keys are remembered, in milliseconds; 0 if they are refused. */
  readonly windowMs: number
  readonly #inFlight = new Set<string>()
  /** End of the time, on the monotonic clock, for which the answer to a key is known, the oldest first. */
  readonly #answered = new Map<string, number>()

  /** @param windowMs how long keys are remembered, in milliseconds. 0: requests with a key are refused */
  constructor(windowMs: number) {
    this.windowMs = windowMs
  }

  /**
   * Begins a request. Returns null if it has no idempotency key.
   * @param caller the API key of the request. Each has its own idempotency keys
   * @throws {ProblemError} `idempotency-key-invalid`, `idempotency-key-in-flight` or `idempotency-off`
   */
  begin(headers: Headers, caller: StoredKey | null): KeyedRequest | null {
    const value = headers.get(IDEMPOTENCY_KEY)
    if (value === null) return null
    const request = new RequestKey(caller?.name ?? "", parseIdempotencyKey(value))
    if (this.windowMs === 0) throw isOff()
    const { hash } = request
    const isRepeated = (this.#answered.get(hash) ?? 0) > performance.now()
    if (!isRepeated && this.#inFlight.has(hash)) throw isInFlight()
    this.#inFlight.add(hash)
    return Object.assign(request, {
      answered: () => this.#remember(hash),
      [Symbol.dispose]: () => void this.#inFlight.delete(hash),
    })
  }

  #remember(hash: string): void {
    // Otherwise it would keep its place.
    this.#answered.delete(hash)
    this.#answered.set(hash, performance.now() + this.windowMs)
    const [oldest] = this.#answered.keys()
    if (this.#answered.size > MAX_ANSWERED && oldest !== undefined) this.#answered.delete(oldest)
  }
}

const NOT_STORED = { outcome: "not-stored" } as const

const isInFlight = (): ProblemError =>
  new ProblemError(
    "idempotency-key-in-flight",
    "The first request with this idempotency key is not answered yet. Repeat this one to get its answer.",
    NOT_STORED,
  )

/** A client that relies on its key must not be served without it. */
const isOff = (): ProblemError =>
  new ProblemError(
    "idempotency-off",
    `The service recognizes no repeated requests, because DEDUPLICATION_WINDOW is 0. Send the request without ${IDEMPOTENCY_KEY}.`,
    NOT_STORED,
  )
