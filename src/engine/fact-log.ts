import type { FactBatch, HistoryFact } from "../event/history-fact.ts"

/**
 * The engine's append-only list of what became of each event. The engine itself appends what it knows: publishes, dead
 * letters without a run, redrives and purges. Settlements bring the fact of their attempt.
 */
export interface FactLog {
  /** The SQLite file with the events that `stored` facts refer to. Absent if there are no such facts. */
  readonly eventsFile?: string
  /** True if events were stored before the oldest fact that it has: a history that begins with it lacks those. */
  readonly lacksPast: boolean
  /**
   * Appends a fact that comes with no other write. Resolves when it is durable.
   * @throws {EngineUnavailableError} if it is not durable in time. It can be stored later.
   */
  append(fact: HistoryFact): Promise<void>
  /**
   * Delivers every batch after the follower's position, the oldest first, and then new ones once they are durable, also
   * after the engine was unavailable. A batch can be delivered twice. There is one follower at a time. Returns a function
   * that ends it.
   */
  follow(follower: FactFollower): () => void
  /**
   * Resolves when the follower has taken what was durable at the call, as far as this instance knows, or at once if nobody
   * follows.
   */
  delivered(): Promise<void>
  /** The follower has stored everything up to this position: the engine can forget them. */
  release(position: string): void
  /** Returns how far the follower is, and whether facts are stored. Never waits. */
  progress(): FactProgress
}

export interface FactProgress {
  /**
   * The follower has taken everything that was stored before it began, or before the engine could be used again. New
   * batches reach it as they are stored.
   */
  readonly isCaughtUp: boolean
  /** When the batch that the follower took last was stored, in milliseconds since the epoch; null before the first. */
  readonly reachedAt: number | null
  /** Why facts can't be stored now; null if they can. */
  readonly failure: string | null
  /** Facts that wait to be stored. */
  readonly waiting: number
  /** Facts that were lost since the start, because too many waited, or they were too large. */
  readonly dropped: number
}

/** Takes the batches of a list of facts. */
export interface FactFollower {
  /** Position of the last batch that it has stored; null: it begins with the oldest that there is. */
  position(): string | null
  /** Takes a batch. Resolves when the next may come. Never rejects. */
  take(batch: FactBatch): Promise<void>
}
