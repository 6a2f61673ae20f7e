import type { Engine } from "../engine/engine.ts"
import { EngineUnavailableError, PublishError } from "../engine/errors.ts"
import { type Backoff, pause, RetryDelays } from "../event/backoff.ts"
import { decodeEvent } from "../event/validate.ts"
import { HistoryUnavailableError } from "../history/errors.ts"
import type { SelectedEvent } from "../history/history-query.ts"
import { reasonOf } from "../system/reason-of.ts"
import type { Replay, ReplayPlace } from "./replay.ts"
import { type ReplaySource, type SelectedPage, selectedPages } from "./selected-events.ts"

/** Backoff while the queue is full, or the engine or the history away. */
const BACKOFF: Backoff = { initialMs: 100, factor: 2, maxMs: 5_000 }

/** How often a fast replay puts events on its queue, in milliseconds. */
const TICK_MS = 20

export interface ReplayRunOptions {
  readonly engine: Pick<Engine, "replay">
  readonly source: ReplaySource
  /** Called after each change of the replay. */
  readonly onChange: (change: Partial<Replay>) => void
}

interface Stored {
  readonly stored: number
  /** Null if all are stored. */
  readonly error: unknown
}

/**
 * Puts the events of a replay on its queue, in order and not faster than its rate. Waits while the queue is full or the
 * engine is away.
 */
export class ReplayRun {
  readonly #options: ReplayRunOptions
  readonly #replay: Replay
  readonly #signal: AbortSignal
  readonly #delays = new RetryDelays(BACKOFF)
  #place: ReplayPlace
  #replayed: number
  #missing: number
  /** When the next event may go, in milliseconds of `performance.now`. */
  #nextAt = performance.now()

  constructor(replay: Replay, signal: AbortSignal, options: ReplayRunOptions) {
    this.#replay = replay
    this.#signal = signal
    this.#options = options
    this.#place = replay.place
    this.#replayed = replay.replayed
    this.#missing = replay.missing
  }

  /**
   * Resolves at the end, or when the signal aborts.
   * @throws if it can't go on: the engine refuses an event for good, the queue is gone, or the history has removed its place
   */
  async run(): Promise<void> {
    const { source } = this.#options
    while (!this.#signal.aborted) {
      try {
        for await (const page of selectedPages(source, this.#replay.selection, this.#place)) {
          await this.#put(page)
          if (this.#signal.aborted) return
          this.#missing += page.missing
          if (page.next !== null) this.#place = { cursor: page.next, done: 0 }
          this.#tell(null)
        }
        return
      } catch (error) {
        await this.#wait(error)
      }
    }
  }

  /** Puts the rest of a page on the queue. */
  async #put({ events, cursor }: SelectedPage): Promise<void> {
    while (this.#place.done < events.length && !this.#signal.aborted) {
      const { done } = this.#place
      const burst = await this.#nextBurst(events.length - done)
      const { stored, error } = await this.#store(events.slice(done, done + burst))
      this.#replayed += stored
      this.#place = { cursor, done: done + stored }
      if (error !== null) await this.#wait(error)
      else {
        this.#delays.reset()
        this.#tell(null)
      }
    }
  }

  /** Waits until events may go. Returns how many. */
  async #nextBurst(left: number): Promise<number> {
    const { rate } = this.#replay
    const waitMs = this.#nextAt - performance.now()
    if (waitMs > 0) await pause(waitMs, this.#signal)
    // A wait for room is not made up for.
    this.#nextAt = Math.max(this.#nextAt, performance.now() - TICK_MS)
    const burst = Math.min(left, Math.max(1, Math.floor((rate * TICK_MS) / 1_000)))
    this.#nextAt += (burst * 1_000) / rate
    return burst
  }

  /** Stores events in order. Returns how many of the first ones are stored, and why not more. */
  async #store(events: readonly SelectedEvent[]): Promise<Stored> {
    const { id: replay, queue } = this.#replay
    const results = await Promise.allSettled(
      events.map(({ body }) =>
        this.#options.engine.replay(queue, { event: decodeEvent(body), body, replay }),
      ),
    )
    for (const [stored, result] of results.entries()) {
      if (result.status === "rejected") return { stored, error: result.reason }
    }
    return { stored: events.length, error: null }
  }

  /** Waits before the next try. @throws the error if it does not pass */
  async #wait(error: unknown): Promise<void> {
    if (!mayPass(error)) throw error
    this.#tell(reasonOf(error))
    await this.#delays.wait(this.#signal)
  }

  #tell(reason: string | null): void {
    this.#options.onChange({
      place: this.#place,
      replayed: this.#replayed,
      missing: this.#missing,
      reason,
    })
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof EngineUnavailableError ||
  error instanceof HistoryUnavailableError ||
  (error instanceof PublishError && !error.isPermanent)
