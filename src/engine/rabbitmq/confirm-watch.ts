/** How often the publishes in flight are looked at, in milliseconds. One timer serves them all. */
const TICK_MS = 500

/** How long RabbitMQ may confirm nothing before it is taken for stalled, in milliseconds: health has to say so in 5 s. */
const STALLED_AFTER_MS = 3_000

/** How often one publish is let through to a broker that has stalled, in milliseconds. */
const TRIAL_INTERVAL_MS = 2_000

export interface ConfirmWatchOptions {
  readonly confirmTimeoutMs: number
  /** Called at each tick. Returns how many publishes are in flight after it. */
  readonly onTick: () => number
  /** Called when RabbitMQ stalls, and when it answers again. */
  readonly onChange: () => void
}

/**
 * Notices that RabbitMQ answers no publish at all, though some are in flight: most of a cluster hangs, or the network
 * takes everything and passes on nothing. Counts ticks rather than time, so that an event loop that was busy is not
 * taken for a silent broker.
 */
export class ConfirmWatch {
  readonly #options: ConfirmWatchOptions
  readonly #tickMs: number
  readonly #maxSilentTicks: number
  #timer: Timer | undefined
  #silentTicks = 0
  #isWaiting = false
  #hasAnswered = false
  #isStalled = false
  #lastTrialAt = 0

  constructor(options: ConfirmWatchOptions) {
    this.#options = options
    const { confirmTimeoutMs } = options
    this.#tickMs = Math.max(1, Math.min(TICK_MS, confirmTimeoutMs / 4))
    this.#maxSilentTicks = Math.ceil(Math.min(STALLED_AFTER_MS, confirmTimeoutMs / 2) / this.#tickMs)
  }

  get isStalled(): boolean {
    return this.#isStalled
  }

  /**
   * Whether a publish may try if RabbitMQ, taken for stalled, answers. It may be the queue of a few events that hangs,
   * and the first publish to another queue tells.
   */
  takeTrial(): boolean {
    const now = performance.now()
    if (now - this.#lastTrialAt < TRIAL_INTERVAL_MS) return false
    this.#lastTrialAt = now
    return true
  }

  /** Something is in flight: goes on ticking until nothing is. */
  begin(): void {
    this.#timer ??= setTimeout(() => this.#tick(), this.#tickMs)
  }

  /** RabbitMQ has answered a publish that takes a queue's word. */
  answered(): void {
    this.#hasAnswered = true
    if (this.#isStalled) this.#change(false)
  }

  /** What was in flight is given up: silence means nothing any more. */
  reset(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#silentTicks = 0
    this.#isWaiting = false
    if (this.#isStalled) this.#change(false)
  }

  #tick(): void {
    this.#timer = undefined
    this.#silentTicks = this.#isWaiting && !this.#hasAnswered ? this.#silentTicks + 1 : 0
    this.#hasAnswered = false
    if (!this.#isStalled && this.#silentTicks >= this.#maxSilentTicks) this.#change(true)
    this.#isWaiting = this.#options.onTick() > 0
    if (this.#isWaiting || this.#isStalled) this.begin()
  }

  #change(isStalled: boolean): void {
    this.#isStalled = isStalled
    this.#lastTrialAt = performance.now()
    this.#options.onChange()
  }
}
