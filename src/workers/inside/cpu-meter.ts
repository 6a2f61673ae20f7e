import { OwnMap } from "../../system/intrinsics.ts"
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

const threadCpuUsage = process.threadCpuUsage.bind(process)

/** Returns the CPU time of this thread so far, in milliseconds. Takes about 0.3 µs. */
function threadCpuMs(): number {
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
  readonly #functions = new OwnMap<string, MeteredFunction>()
  /** Functions with calls that have not ended. */
  readonly #running = new OwnMap<MeteredFunction, true>()
  #readAtMs: number
  #sharedMs = 0

  /** @param clock returns the CPU time of the thread, in milliseconds. Default: that of the system */
  constructor(clock = threadCpuMs) {
    this.#clock = clock
    this.#readAtMs = clock()
  }

  /** Call it just before a function is called. @param name the same for each call of one function */
  begin(name: string): MeteredFunction {
    this.#attribute()
    const called = this.#functions.get(name) ?? { calls: 0, ownMs: 0 }
    if (called.calls === 0) {
      this.#functions.set(name, called)
      this.#running.set(called, true)
    }
    called.calls++
    return called
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
    called.calls--
    if (called.calls === 0) this.#running.delete(called)
    if (called.ownMs + this.#sharedMs < MIN_REPORT_MS) return null
    const report = { ownMs: called.ownMs, sharedMs: this.#sharedMs }
    called.ownMs = 0
    this.#sharedMs = 0
    return report
  }

  #attribute(): void {
    const ms = this.#read()
    if (this.#running.size > 1) this.#sharedMs += ms
    else
      this.#running.forEach((_, only) => {
        only.ownMs += ms
      })
  }

  /** Returns the time since it was last called; never less than 0, whatever the system says. */
  #read(): number {
    const before = this.#readAtMs
    this.#readAtMs = this.#clock()
    return Math.max(0, this.#readAtMs - before)
  }
}
