import { ProblemError } from "../problem.ts"
import type { StoredKey } from "./key-file.ts"

/** Who sends no key, where the service has none. */
const ANYBODY = ""

/** Over what time a key may use its rate at once, in seconds. */
const WINDOW_SECONDS = 1

/**
 * What one key may still ask for: a token for each request, and for each event of a batch. Tokens come back evenly,
 * and never are more than those of a second. A batch may take more than are left; what follows waits until they are
 * paid back.
 */
export class Allowance {
  readonly #perSecond: number
  readonly #now: () => number
  #tokens: number
  #countedAt: number

  /** @param now milliseconds that only grow */
  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond
    this.#now = now
    this.#tokens = perSecond * WINDOW_SECONDS
    this.#countedAt = now()
  }

  /** Takes a token for a request. @throws {ProblemError} `rate-limited` where none is left. */
  take(): void {
    this.#count()
    if (this.#tokens < 1) {
      throw new ProblemError(
        "rate-limited",
        `More than ${this.#perSecond} requests, and events of batches, a second.`,
        {
          outcome: "not-stored",
          headers: { "Retry-After": String(Math.ceil((1 - this.#tokens) / this.#perSecond)) },
        },
      )
    }
    this.#tokens--
  }

  /** Takes tokens for what came with a request that was let in. */
  charge(tokens: number): void {
    this.#tokens -= tokens
  }

  /** How long it takes until all tokens that were taken beyond the allowance are back, in milliseconds. */
  get debtMs(): number {
    this.#count()
    return Math.max(0, (-this.#tokens / this.#perSecond) * 1_000)
  }

  /** What the client is told. Source: draft-ietf-httpapi-ratelimit-headers, the fields RateLimit and RateLimit-Policy. */
  headers(): Readonly<Record<string, string>> {
    this.#count()
    const left = Math.max(0, Math.floor(this.#tokens))
    const fullInSeconds = Math.ceil((this.#perSecond * WINDOW_SECONDS - this.#tokens) / this.#perSecond)
    return {
      "RateLimit-Policy": `"key";q=${this.#perSecond};w=${WINDOW_SECONDS}`,
      RateLimit: `"key";r=${left};t=${fullInSeconds}`,
    }
  }

  #count(): void {
    const now = this.#now()
    const came = ((now - this.#countedAt) / 1_000) * this.#perSecond
    this.#tokens = Math.min(this.#perSecond * WINDOW_SECONDS, this.#tokens + came)
    this.#countedAt = now
  }
}

/** The allowances of all keys. There are as many as keys were used, or one where the service has no keys. */
export class RateLimit {
  readonly #perSecond: number
  readonly #now: () => number
  readonly #allowances = new Map<string, Allowance>()

  /** @param now milliseconds that only grow. Default: the system's monotonic clock */
  constructor(perSecond: number, now = () => performance.now()) {
    this.#perSecond = perSecond
    this.#now = now
  }

  of(key: StoredKey | null): Allowance {
    const name = key?.name ?? ANYBODY
    let allowance = this.#allowances.get(name)
    if (allowance === undefined) {
      allowance = new Allowance(this.#perSecond, this.#now)
      this.#allowances.set(name, allowance)
    }
    return allowance
  }
}
