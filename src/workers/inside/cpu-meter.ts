import { now } from "../../system/intrinsics.ts"
import type { CpuTime } from "../messages.ts"

/** A function of a module. */
export interface MeteredFunction {
  /** Its calls that have not ended. */
  calls: number
  /** CPU time that is not reported yet, in milliseconds. */
  ownMs: number
}

/** Least CPU time of a report, in milliseconds. */
const MIN_REPORT_MS = 1

/**
 * Shortest time between two looks at the clock of the CPU, in milliseconds. What is used in between counts for the function
 * at the next look, as with a profiler that samples: a look costs about 1 µs with its object, and an empty call less.
 */
const LOOK_INTERVAL_MS = 0.05

const threadCpuUsage = process.threadCpuUsage.bind(process)

/** Returns the CPU time of this thread so far, in milliseconds. */
export function threadCpuMs(): number {
  const { user, system } = threadCpuUsage()
  return (user + system) / 1_000
}

/**
 * Measures the CPU time of functions whose calls overlap. Up to its first `await`, a call is alone in the thread. Later, time is
 * a function's as long as only calls of this one function have not ended, and shared otherwise: nothing tells which call goes on
 * after an `await`. Time without any call is nobody's.
 */
export class CpuMeter {
  readonly #clock: () => number
  readonly #wallClock: () => number
  readonly #functions: MeteredFunction[] = []
  /** Number of functions with calls that have not ended. */
  #runningCount = 0
  /** The only one of them; null if there are several, or none. */
  #only: MeteredFunction | null = null
  #readAtMs: number
  #sharedMs = 0

  #lookedAtMs: number

  /**
   * @param clock returns the CPU time of the thread, in milliseconds. Default: that of the system
   * @param wallClock a clock that is cheap to read, in milliseconds. Default: `performance.now`
   */
  constructor(clock = threadCpuMs, wallClock = now) {
    this.#clock = clock
    this.#wallClock = wallClock
    this.#readAtMs = clock()
    this.#lookedAtMs = wallClock()
  }

  /** Returns the record of a function, to keep: there must be one for each. */
  newFunction(): MeteredFunction {
    const made = { calls: 0, ownMs: 0 }
    this.#functions[this.#functions.length] = made
    return made
  }

  /** Call it just before a function is called. */
  begin(called: MeteredFunction): void {
    this.#attribute()
    if (called.calls++ > 0) return
    this.#runningCount++
    this.#only = this.#runningCount === 1 ? called : null
  }

  /** Call it when the call has come to its first `await`, or to its end. */
  pause(called: MeteredFunction): void {
    called.ownMs += this.#read()
  }

  /**
   * Call it when the call has ended. Returns the time of all calls of the function since its last report; null while that
   * is less than a millisecond, which is reported later: a report with each of many short calls would cost more than they.
   */
  end(called: MeteredFunction): CpuTime | null {
    this.#attribute()
    if (--called.calls === 0) this.#stopped()
    if (called.ownMs + this.#sharedMs < MIN_REPORT_MS) return null
    const report = { ownMs: called.ownMs, sharedMs: this.#sharedMs }
    called.ownMs = 0
    this.#sharedMs = 0
    return report
  }

  #stopped(): void {
    this.#runningCount--
    this.#only = null
    if (this.#runningCount !== 1) return
    for (let place = 0; place < this.#functions.length; place++) {
      const each = this.#functions[place]
      if (each !== undefined && each.calls > 0) this.#only = each
    }
  }

  #attribute(): void {
    const ms = this.#read()
    if (this.#only !== null) this.#only.ownMs += ms
    else if (this.#runningCount > 1) this.#sharedMs += ms
  }

  /** Returns the time since it was last called; never less than 0, whatever the system says. */
  #read(): number {
    const wallMs = this.#wallClock()
    if (wallMs - this.#lookedAtMs < LOOK_INTERVAL_MS) return 0
    this.#lookedAtMs = wallMs
    const before = this.#readAtMs
    this.#readAtMs = this.#clock()
    return Math.max(0, this.#readAtMs - before)
  }
}
