import type { FactBatch, HistoryFact } from "../event/history-fact.ts"

/**
 * The engine's append-only list of what became of each event. The engine itself appends what it knows: publishes, dead
 * letters without a run, redrives and purges. Settlements bring the fact of their attempt.
 */
export interface FactLog {
  /**
   * Appends a fact that comes with no other write. Resolves when it is durable.
   * @throws {EngineUnavailableError}
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
}

/** Takes the batches of a list of facts. */
export interface FactFollower {
  /** Position of the last batch that it has stored; null: it begins with the oldest that there is. */
  position(): string | null
  /** Takes a batch. Resolves when the next may come. Never rejects. */
  take(batch: FactBatch): Promise<void>
}
