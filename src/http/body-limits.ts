import { LoopTurns } from "./loop-turns.ts"
import { ProblemError } from "./problem.ts"
import { Account, SharedBudget, type Shortage, type WhoTakes } from "./shared-budget.ts"

/**
 * Longest body that is read at once, in bytes. Reading a short body in chunks takes twice as long. Its bytes
 * are counted only after the whole body has arrived.
 */
export const READ_AT_ONCE_BYTES = 65_536

/**
 * Most bodies that may be arriving at a time. The byte budget misses at most `READ_AT_ONCE_BYTES` of each:
 * 256 MiB in total.
 */
const MAX_ARRIVING = 4_096

/**
 * Most NDJSON uploads at a time. While its client does not read the responses, each upload is unread, and Bun
 * holds 1.5 MB of it (measured with Bun 1.4.5): 384 MB in total.
 */
const MAX_UPLOADS = 256

export interface BodyLimitsOptions {
  /** Longest time that a body may take to arrive, in milliseconds. */
  readonly timeoutMs: number
  /** Most bytes of the bodies of all requests in flight. */
  readonly bufferedBytes: number
  /** The largest body that any route accepts, in bytes. Default: 1. */
  readonly largestBytes?: number
  readonly maxArriving?: number
  readonly maxUploads?: number
}

/** Bounds on the bodies of all requests together. Each route also has its own size limit. */
export class BodyLimits {
  readonly timeoutMs: number
  /** Bytes that have arrived, of requests without a response yet. */
  readonly bytes: SharedBudget
  /** Bodies that have not fully arrived. */
  readonly arriving: SharedBudget
  /** Uploads in progress. */
  readonly uploads: SharedBudget
  /** Shares the event loop between bodies that take long to process. */
  readonly turns = new LoopTurns()

  constructor(options: BodyLimitsOptions) {
    this.timeoutMs = options.timeoutMs
    this.bytes = new SharedBudget(options.bufferedBytes, options.largestBytes)
    this.arriving = new SharedBudget(options.maxArriving ?? MAX_ARRIVING)
    this.uploads = new SharedBudget(options.maxUploads ?? MAX_UPLOADS)
  }
}

/** Opens an account and takes `amount` from the budget. @throws {ProblemError} `too-many-in-flight`. */
export function takeNew(budget: SharedBudget, who: WhoTakes, amount: number, what: string): Account {
  const account = new Account(budget, who)
  requireRoom(account.take(amount), who, what)
  return account
}

/**
 * @param what the exhausted things, as the plural subject of a sentence
 * @throws {ProblemError} `too-many-in-flight`. Its detail says whether the client's own share is used up, or
 * the total.
 */
export function requireRoom(shortage: Shortage | null, who: WhoTakes, what: string): void {
  if (shortage === null) return
  const detail =
    shortage === "share"
      ? `${what} of ${who()} use up its share. Wait for responses. Requests of other clients are still accepted.`
      : `${what} of all clients together use up the limit.`
  throw new ProblemError("too-many-in-flight", detail, {
    outcome: "not-stored",
    headers: { Connection: "close" },
  })
}
