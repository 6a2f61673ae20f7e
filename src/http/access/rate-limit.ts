import { ProblemError } from "../problem.ts"
import type { StoredKey } from "./key-file.ts"

/** Key of the shared allowance of all clients, if the service has no keys. */
const ANYBODY = ""

/** Window of the rate, in seconds: a client may use the whole rate of one window at once. */
const WINDOW_SECONDS = 1

/**
 * The requests that one key may still send: a token bucket with a token for each request and each event of a
 * batch. Tokens are refilled evenly, up to those of one second. A batch may take more tokens than are left;
 * later requests wait until the debt is paid back.
 */
export class Allowance {
  readonly #perSecond: number
  readonly #now: () => number
  #tokens: number
  #countedAt: number

  /** @param now a monotonic clock in milliseconds */
  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond
    this.#now = now
    this.#tokens = perSecond * WINDOW_SECONDS
    this.#countedAt = now()
  }

  /** Takes a token for a request. @throws {ProblemError} `rate-limited` if none is left. */
  take(): void {
    this.#count()
    if (this.#tokens < 1) {
      throw new ProblemError(
        "rate-limited",
        `The limit is ${this.#perSecond} requests and batch events per second.`,
        {
          outcome: "not-stored",
          headers: { "Retry-After": String(Math.ceil((1 - this.#tokens) / this.#perSecond)) },
        },
      )
    }
    this.#tokens--
  }

  /** Takes tokens for the events of a request that was admitted. */
  charge(tokens: number): void {
    this.#tokens -= tokens
  }

  /** Time until the debt of tokens is paid back, in milliseconds. */
  get debtMs(): number {
    this.#count()
    return Math.max(0, (-this.#tokens / this.#perSecond) * 1_000)
  }

  /**
   * Headers that show the state of the limit. Source: draft-ietf-httpapi-ratelimit-headers, fields RateLimit
   * and RateLimit-Policy.
   */
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

/** The allowances of all keys: one per key used, or a single one if the service has no keys. */
export class RateLimit {
  readonly #perSecond: number
  readonly #now: () => number
  readonly #allowances = new Map<string, Allowance>()

  /** @param now a monotonic clock in milliseconds. Default: the system's */
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
