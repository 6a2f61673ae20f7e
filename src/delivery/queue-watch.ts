import type { Engine, EngineCapabilities, QueueStats } from "../engine/engine.ts"
import type { Logger } from "../telemetry/logger.ts"
import {
  describeFaults,
  explainUnconsumed,
  explainUnhandled,
  fillLevel,
  type Unconsumed,
  waitingIn,
} from "./unconsumed-queue.ts"

/** From this age on, in milliseconds, a fault says how old its figures are. */
const OLD_MS = 1_000

/** How often the queues are looked at, in milliseconds. A queue of 10,000 fills in seconds. */
const LOOK_INTERVAL_MS = 2_000

export interface QueueWatchOptions {
  readonly engine: Pick<Engine, "queueStats"> & {
    readonly capabilities: Pick<EngineCapabilities, "remembersQueues">
  }
  /** Names of the predefined queues. */
  readonly predefined: readonly string[]
  /** Returns whether a queue is paused on this instance; null if it is not, and has no handler module here. */
  readonly isPaused: (queue: string) => boolean | null
  /** The handler modules that have bound other queues to events of these patterns. */
  readonly modulesBoundTo: (patterns: readonly string[]) => readonly string[]
  readonly logger: Logger
}

/**
 * Knows the queues that nothing consumes, and warns in the log: of an orphaned queue when it is found, of a predefined
 * queue without a module when a module's bindings fill it too or it holds events, of any queue without a consumer as it
 * fills.
 */
export class QueueWatch {
  readonly #options: QueueWatchOptions
  /** Queues by name. The last ones seen stay in force while the engine can't answer. */
  #unconsumed: ReadonlyMap<string, Unconsumed> = new Map()
  /** The highest level of each queue that was logged. */
  readonly #toldLevels = new Map<string, number>()
  /** Predefined queues without a module that were logged. */
  readonly #toldUnhandled = new Set<string>()
  #looking: Promise<void> | null = null
  /** When the queues were seen last, on the monotonic clock. */
  #seenAt = 0
  #timer: Timer | undefined

  constructor(options: QueueWatchOptions) {
    this.#options = options
  }

  /** Number of orphaned queues. Unbound ones count too: they can be deleted. */
  get orphanCount(): number {
    return [...this.#unconsumed.values()].filter(({ reason }) => reason === "orphaned").length
  }

  /** Names the queues that an operator has to know of, as `describeFaults` does; null if there are none. */
  get fault(): string | null {
    const fault = describeFaults([...this.#unconsumed.values()])
    const ageMs = performance.now() - this.#seenAt
    return fault === null || ageMs < OLD_MS ? fault : `${fault}; as of ${Math.round(ageMs / 1_000)} s ago`
  }

  /** Starts to look at the queues. Resolves after the first look. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#sharedLook(), LOOK_INTERVAL_MS)
    await this.look()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Looks at every queue now, if it has been started. */
  async refresh(): Promise<void> {
    // Before the modules are known, every queue of theirs would look orphaned.
    if (this.#timer !== undefined) await this.#sharedLook()
  }

  /**
   * Looks at every queue now: a look that began before, and may have seen an earlier state, is waited for. A look that
   * the engine can't answer changes nothing.
   */
  async look(): Promise<void> {
    await this.#looking
    await this.#sharedLook()
  }

  #sharedLook(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  /**
   * Returns true if a queue is not predefined, not consumed, not paused by another instance, and has no handler module on
   * this one.
   */
  isOrphaned(stats: QueueStats): boolean {
    return stats.consumerCount === 0 && !stats.isHeldElsewhere && this.#isUnknown(stats.name)
  }

  /** Explains why a full queue stays full, and what to do about it; returns null if it is consumed. */
  explainFull(queue: string): string | null {
    const unconsumed = this.#unconsumed.get(queue)
    return unconsumed === undefined ? null : explainUnconsumed(unconsumed)
  }

  async #look(): Promise<void> {
    let stats: readonly QueueStats[]
    try {
      stats = await this.#options.engine.queueStats()
    } catch {
      // The engine is away. Its status and the log say so.
      return
    }
    this.#seenAt = performance.now()
    const before = this.#unconsumed
    const found = stats.flatMap((each) => this.#describe(each) ?? [])
    this.#unconsumed = new Map(found.map((each) => [each.stats.name, each]))
    for (const each of found) this.#tell(each, before.get(each.stats.name))
    this.#tellUnhandled(found)
    this.#tellEnded(before)
  }

  /** Returns null for a queue that is consumed or about to be: another check reports a consumer that is away. */
  #describe(stats: QueueStats): Unconsumed | null {
    if (stats.consumerCount > 0) return null
    const isShared = !this.#options.engine.capabilities.remembersQueues
    if (stats.isHeldElsewhere && this.#isUnknown(stats.name)) {
      return { stats, reason: "held", copiedFor: [], isShared }
    }
    if (this.isOrphaned(stats)) return { stats, reason: "orphaned", copiedFor: [], isShared }
    const isPaused = this.#options.isPaused(stats.name)
    if (isPaused === false) return null
    if (isPaused) return { stats, reason: "paused", copiedFor: [], isShared }
    const copiedFor = this.#options.modulesBoundTo(stats.bindings)
    return { stats, reason: "no-module", copiedFor, isShared }
  }

  /** Returns whether a queue is not predefined, and no handler module of this instance names it. */
  #isUnknown(queue: string): boolean {
    return !this.#options.predefined.includes(queue) && this.#options.isPaused(queue) === null
  }

  #tell(queue: Unconsumed, before: Unconsumed | undefined): void {
    const { logger } = this.#options
    const { name, bindings, maxLength, deadLetterCount: dead_letters } = queue.stats
    const waiting = queue.stats.messageCount
    if (queue.reason === "orphaned" && before?.reason !== "orphaned") {
      const fields = { queue: name, bindings, waiting, max_length: maxLength, dead_letters }
      logger.warn(fields, `queue orphaned: ${explainUnconsumed(queue)}`)
    }
    const level = fillLevel(queue.stats)
    const told = this.#toldLevels.get(name) ?? 0
    if (level > told) {
      this.#toldLevels.set(name, level)
      const fields = { queue: name, waiting, max_length: maxLength, percent: level }
      logger.warn(fields, `queue without a consumer ${waitingIn(queue.stats)}: ${explainUnconsumed(queue)}`)
    }
    // Logged again only after it was below the lowest level: a full queue whose events expire moves around its limit.
    if (level === 0) this.#toldLevels.delete(name)
  }

  /** Logs the predefined queues without a module, in one line for all that are found at once. */
  #tellUnhandled(found: readonly Unconsumed[]): void {
    const fresh = found.filter(
      ({ stats: { name, messageCount }, reason, copiedFor }) =>
        reason === "no-module" &&
        (messageCount > 0 || copiedFor.length > 0) &&
        !this.#toldUnhandled.has(name),
    )
    if (fresh.length === 0) return
    for (const { stats } of fresh) this.#toldUnhandled.add(stats.name)
    const queues = fresh.map(({ stats }) => stats.name)
    this.#options.logger.warn({ queues }, `no handler module for ${explainUnhandled(fresh)}`)
  }

  #tellEnded(before: ReadonlyMap<string, Unconsumed>): void {
    for (const [name, { reason }] of before) {
      const now = this.#unconsumed.get(name)
      if (now === undefined) this.#toldLevels.delete(name)
      if (now === undefined) this.#toldUnhandled.delete(name)
      if (reason === "orphaned" && now?.reason !== "orphaned") {
        this.#options.logger.info({ queue: name }, "queue no longer orphaned")
      }
    }
  }
}
