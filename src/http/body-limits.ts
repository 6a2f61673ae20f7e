import { LoopTurns } from "./loop-turns.ts"
import { ProblemError } from "./problem.ts"
import { Account, SharedBudget, type Shortage, type WhoTakes } from "./shared-budget.ts"

/**
 * Longest body that is read in one go, in bytes. Reading a short body in chunks takes twice as long. What of it has
 * arrived can't be counted before all of it has.
 */
export const READ_AT_ONCE_BYTES = 65_536

/**
 * Bodies that may be on their way at a time. What the budget does not see of them is at most `READ_AT_ONCE_BYTES` each,
 * 256 MiB together.
 */
const MAX_ARRIVING = 4_096

/**
 * Uploads of lines at a time. Each may be unread for as long as its client does not take the answers, and Bun then
 * holds 1.5 MB of it (measured with Bun 1.4.5): 384 MB together.
 */
const MAX_UPLOADS = 256

export interface BodyLimitsOptions {
  /** How long a body may take to arrive, in milliseconds. */
  readonly timeoutMs: number
  /** Bytes of the bodies of all requests in flight. */
  readonly bufferedBytes: number
  /** The largest body of any route, in bytes. Default: 1. */
  readonly largestBytes?: number
  readonly maxArriving?: number
  readonly maxUploads?: number
}

/** What bounds the bodies of all requests together, besides the size that each route allows. */
export class BodyLimits {
  readonly timeoutMs: number
  /** Bytes that have arrived, of requests that are not answered. */
  readonly bytes: SharedBudget
  /** Bodies that have not arrived whole. */
  readonly arriving: SharedBudget
  /** Uploads of lines that go on. */
  readonly uploads: SharedBudget
  /** Shares the event loop between the bodies that take long to work off. */
  readonly turns = new LoopTurns()

  constructor(options: BodyLimitsOptions) {
    this.timeoutMs = options.timeoutMs
    this.bytes = new SharedBudget(options.bufferedBytes, options.largestBytes)
    this.arriving = new SharedBudget(options.maxArriving ?? MAX_ARRIVING)
    this.uploads = new SharedBudget(options.maxUploads ?? MAX_UPLOADS)
  }
}

/** Opens an account and takes so much. @throws {ProblemError} `too-many-in-flight`. */
export function takeNew(budget: SharedBudget, who: WhoTakes, amount: number, what: string): Account {
  const account = new Account(budget, who)
  requireRoom(account.take(amount), who, what)
  return account
}

/**
 * @param what the things that there are too many of, as the subject of a sentence in the plural
 * @throws {ProblemError} `too-many-in-flight`, which says whether the client has its own share, or all have everything.
 */
export function requireRoom(shortage: Shortage | null, who: WhoTakes, what: string): void {
  if (shortage === null) return
  const detail =
    shortage === "share"
      ? `${what} of ${who()} have taken its share: wait for answers. Requests of others are still taken.`
      : `${what} of all clients together have taken all there is.`
  throw new ProblemError("too-many-in-flight", detail, {
    outcome: "not-stored",
    headers: { Connection: "close" },
  })
}
