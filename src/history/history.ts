import { type Backoff, RetryDelays } from "../event/backoff.ts"
import type { FactBatch } from "../event/history-fact.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import { HistoryUnavailableError } from "./errors.ts"
import { HistoryLink, type LinkOptions } from "./history-link.ts"
import type {
  EventFilter,
  EventHistory,
  EventSummary,
  ListRequest,
  Page,
  SelectedEvent,
  UnfinishedQueue,
} from "./history-query.ts"
import { answerOf, type QueryCall, type QueryName } from "./messages.ts"
import { FULL_LENGTH, WaitingBatches } from "./waiting-batches.ts"

export interface HistoryOptions extends LinkOptions {
  /**
   * Called when a file is in use: the first time, and when another one had to be begun. What follows the position has to
   * be added; null: everything that there is.
   */
  readonly onBegun?: (position: string | null) => void
  /** Called when a batch, and all before it, are applied and on the disk. */
  readonly onApplied: (position: string) => void
  /** Called when `add` has returned false, and there is room again. */
  readonly onRoom?: () => void
}

/** How long batches wait for others, in milliseconds. Applying them together costs less. */
const APPLY_AFTER_MS = 250

/** Length of waiting batches above which no more is wanted, in UTF-16 code units, and below which it is again. */
const MAX_WAITING_LENGTH = 67_108_864
const ROOM_LENGTH = 33_554_432

/** Length above which the thread no longer gives way to live traffic. */
const URGENT_LENGTH = 50_331_648

/** Waits before an apply that failed is tried again. */
const BACKOFF: Backoff = { initialMs: 500, factor: 2, maxMs: 60_000 }

/** Shortest time between two lines of the log about skipped facts, in milliseconds. */
const SKIPPED_INTERVAL_MS = 60_000

interface Flush {
  readonly upTo: number
  readonly done: PromiseWithResolvers<void>
}

/**
 * The history of events, on the main thread. A thread of its own applies facts to a file and answers queries. Failures
 * never reach the code that adds facts: batches wait until the history works again. The queries are those of
 * `HistoryQueries`; each first applies what was added before, except a part of a large backlog. They reject with a
 * `HistoryUnavailableError` if the history can't answer now, and with a `HistoryCursorError` as `HistoryQueries` says.
 */
export class History {
  readonly #options: HistoryOptions
  readonly #waiting = new WaitingBatches()
  readonly #delays = new RetryDelays(BACKOFF)
  readonly #link: HistoryLink
  #flushes: Flush[] = []
  #hasBegun = false
  /** Resolves when the apply in progress ends; null if nobody waits for it. */
  #ending: PromiseWithResolvers<void> | null = null
  #isFull = false
  #writeFailure: string | null = null
  #isClosing = false
  /** True while an apply that failed waits for its next try. */
  #isPaused = false
  /** Skipped facts that the log has not told yet, and all of them. */
  #skipped = 0
  #allSkipped = 0
  #mayTellAt = 0
  #applyTimer: ReturnType<typeof setTimeout> | undefined
  #pauseTimer: ReturnType<typeof setTimeout> | undefined

  /** Starts the thread. Never throws: until the file is open, facts and queries wait. */
  constructor(options: HistoryOptions) {
    this.#options = options
    this.#link = new HistoryLink(options, {
      onOpened: (position) => this.#opened(position),
      onBegunAgain: () => {
        this.#hasBegun = false
      },
      onApplied: (position, skipped) => this.#applied(position, skipped),
      onNotApplied: (reason) => this.#notApplied(reason),
      onDown: () => this.#down(),
    })
  }

  /** Why the history can't be used now, or can't be written; null if it works. */
  get failure(): string | null {
    return this.#link.failure ?? this.#writeFailure
  }

  /** Facts that it could not read since the start. */
  get skipped(): number {
    return this.#allSkipped
  }

  /** Why it lacks something, although it works; null if it does not. */
  get gap(): string | null {
    return this.#link.gap
  }

  /** Adds a batch. Returns false if no more is wanted until `onRoom` is called. */
  add(batch: FactBatch): boolean {
    this.#waiting.add(batch)
    if (this.#waiting.length >= FULL_LENGTH) this.#apply()
    else this.#applyTimer ??= setTimeout(() => this.#apply(), APPLY_AFTER_MS)
    if (this.#waiting.length > MAX_WAITING_LENGTH) this.#isFull = true
    return !this.#isFull
  }

  /**
   * Resolves when everything that was added is applied.
   * @throws {HistoryUnavailableError} if the history is closed before
   */
  flush(): Promise<void> {
    if (this.#waiting.applied === this.#waiting.added) return Promise.resolve()
    const done = Promise.withResolvers<void>()
    this.#flushes.push({ upTo: this.#waiting.added, done })
    this.#apply()
    return done.promise
  }

  lookup(id: string, within?: RoutingSpace): Promise<EventHistory | null> {
    return this.#ask<"lookup">({ name: "lookup", args: [id, within] })
  }

  list(request: ListRequest): Promise<Page<EventSummary>> {
    return this.#ask<"list">({ name: "list", args: [request] })
  }

  select(filter: EventFilter, limit: number, cursor?: string): Promise<Page<SelectedEvent>> {
    return this.#ask<"select">({ name: "select", args: [filter, limit, cursor] })
  }

  unfinished(): Promise<readonly UnfinishedQueue[]> {
    return this.#ask<"unfinished">({ name: "unfinished", args: [] })
  }

  /** Applies what was added, if the file can be written, then ends the thread and releases the file. */
  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true
      // An apply that fails now is not tried again: what was not applied is still where it came from.
      if (this.#link.isOpen && !this.#isPaused) await this.flush().catch(() => undefined)
    }
    clearTimeout(this.#applyTimer)
    clearTimeout(this.#pauseTimer)
    this.#rejectFlushes()
    this.#endApply()
    await this.#link.close()
  }

  async #ask<Name extends QueryName>(call: QueryCall): Promise<ReturnType<typeof answerOf<Name>>> {
    // What was added since the apply in progress began follows it.
    if (this.#waiting.areTaken && !this.#waiting.isEmpty) await this.#applyEnd()
    this.#apply()
    return answerOf<Name>(await this.#link.ask(call))
  }

  /** Resolves when the apply in progress has ended, however it did. */
  #applyEnd(): Promise<void> {
    this.#ending ??= Promise.withResolvers()
    return this.#ending.promise
  }

  #endApply(): void {
    this.#ending?.resolve()
    this.#ending = null
  }

  /** Sends the next batches to the thread, unless it applies others. */
  #apply(): void {
    if (!this.#link.isOpen || this.#isPaused || this.#waiting.areTaken || this.#waiting.isEmpty) return
    clearTimeout(this.#applyTimer)
    this.#applyTimer = undefined
    this.#link.apply(this.#waiting.take())
  }

  #opened(position: string | null): void {
    if (!this.#hasBegun) this.#options.onBegun?.(position)
    this.#hasBegun = true
    this.#apply()
  }

  #applied(position: string | null, skipped: number): void {
    this.#delays.reset()
    this.#writeFailure = null
    this.#waiting.settle()
    this.#endApply()
    this.#tellSkipped(skipped)
    if (position !== null) this.#options.onApplied(position)
    this.#resolveFlushes()
    if (this.#isFull && this.#waiting.length <= ROOM_LENGTH) {
      this.#isFull = false
      this.#options.onRoom?.()
    }
    this.#choosePriority()
    if (this.#flushes.length > 0 || this.#waiting.length >= FULL_LENGTH) this.#apply()
    else if (!this.#waiting.isEmpty) this.#applyTimer ??= setTimeout(() => this.#apply(), APPLY_AFTER_MS)
  }

  #tellSkipped(count: number): void {
    this.#skipped += count
    this.#allSkipped += count
    const now = performance.now()
    if (this.#skipped === 0 || now < this.#mayTellAt) return
    this.#options.report("warn", "facts skipped that the history can't read", { facts: this.#skipped })
    this.#skipped = 0
    this.#mayTellAt = now + SKIPPED_INTERVAL_MS
  }

  #choosePriority(): void {
    const { isLowPriority } = this.#link
    if (isLowPriority && this.#waiting.length > URGENT_LENGTH) this.#link.changePriority(false)
    else if (!isLowPriority && this.#waiting.length < FULL_LENGTH) this.#link.changePriority(true)
  }

  #notApplied(reason: string): void {
    this.#waiting.restore()
    this.#endApply()
    const delayMs = this.#delays.next()
    this.#writeFailure = `the history can't be written: ${reason}`
    this.#options.report("warn", "history can't be written", { reason, retry_in_ms: delayMs })
    if (this.#isClosing) this.#rejectFlushes()
    this.#isPaused = true
    this.#pauseTimer = setTimeout(() => {
      this.#isPaused = false
      this.#apply()
    }, delayMs)
  }

  #down(): void {
    this.#waiting.restore()
    this.#endApply()
    if (this.#isClosing) this.#rejectFlushes()
  }

  #resolveFlushes(): void {
    const { applied } = this.#waiting
    const done = this.#flushes.filter(({ upTo }) => upTo <= applied)
    this.#flushes = this.#flushes.filter(({ upTo }) => upTo > applied)
    for (const each of done) each.done.resolve()
  }

  #rejectFlushes(): void {
    const error = new HistoryUnavailableError(
      "closed",
      "the history was closed before everything was applied",
    )
    for (const { done } of this.#flushes.splice(0)) done.reject(error)
  }
}
