/** Interval between checks of the publishes in flight, in milliseconds. One timer serves all of them. */
const TICK_MS = 500

/**
 * Time without any confirm after which RabbitMQ counts as stalled, in milliseconds: health has to show it
 * within 5 s.
 */
const STALLED_AFTER_MS = 3_000

/** Interval at which one publish is let through to a stalled broker, in milliseconds. */
const TRIAL_INTERVAL_MS = 2_000

export interface ConfirmWatchOptions {
  readonly confirmTimeoutMs: number
  /** Called at each tick. Returns how many publishes are then in flight. */
  readonly onTick: () => number
  /** Called when RabbitMQ stalls, and when it answers again. */
  readonly onChange: () => void
}

/**
 * Detects that RabbitMQ answers no publish at all although some are in flight: most of a cluster hangs, or
 * the network accepts data without passing it on. Counts ticks instead of time, so that a busy event loop is
 * not taken for a silent broker.
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
   * Returns whether a publish may test if a stalled RabbitMQ answers again. Perhaps only the queue of a few
   * events hangs, and the first publish to another queue shows that.
   */
  takeTrial(): boolean {
    const now = performance.now()
    if (now - this.#lastTrialAt < TRIAL_INTERVAL_MS) return false
    this.#lastTrialAt = now
    return true
  }

  /** Starts ticking, until nothing is in flight. */
  begin(): void {
    this.#timer ??= setTimeout(() => this.#tick(), this.#tickMs)
  }

  /** RabbitMQ has answered a publish that needed the answer of a queue. */
  answered(): void {
    this.#hasAnswered = true
    if (this.#isStalled) this.#change(false)
  }

  /** Resets the watch after everything in flight was given up: silence then means nothing. */
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
