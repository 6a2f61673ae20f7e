import type { FromWorker } from "./messages.ts"

/** A line of a handler's log, on its way to the main thread. */
export type LogLine = Extract<FromWorker, { kind: "log" }>

/** Longest text of a line, in characters: its fields, or its message with the note that it was shortened. */
export const MAX_LINE_LENGTH = 64 * 1024

/** Returns how many characters a line takes from the budget. */
export const sizeOfLine = ({ message, fields }: LogLine): number => message.length + fields.length

/**
 * Characters of log lines that one worker may have on their way to the main thread. Without a bound, a handler that
 * logs in a loop fills the memory of the main thread, which sees the lines only in its next turn.
 */
const MAX_CHARACTERS = 1024 * 1024

/** After a drop, sending resumes only below this number of characters, so that gaps are few and long. */
const RESUME_CHARACTERS = MAX_CHARACTERS / 2

const ON_THE_WAY = 0
const DROPPED = 1

/** Counts how much a worker may still log, in memory that it shares with the main thread. */
export class LogBudget {
  /** Posted to the worker, which makes its budget over the same memory. */
  readonly memory: SharedArrayBuffer
  readonly #counts: Int32Array
  #isInGap = false

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#counts = new Int32Array(memory)
  }

  static whole(): LogBudget {
    return new LogBudget(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
  }

  static over(memory: SharedArrayBuffer): LogBudget {
    return new LogBudget(memory)
  }

  /**
   * On the worker's side: takes the characters of a line.
   * @returns whether the line may be sent; otherwise it is counted as dropped
   */
  take(characters: number): boolean {
    const limit = this.#isInGap ? RESUME_CHARACTERS : MAX_CHARACTERS
    this.#isInGap = Atomics.load(this.#counts, ON_THE_WAY) + characters > limit
    if (this.#isInGap) Atomics.add(this.#counts, DROPPED, 1)
    else Atomics.add(this.#counts, ON_THE_WAY, characters)
    return !this.#isInGap
  }

  /**
   * On the main thread's side: gives back the characters of a line.
   * @returns how many lines were dropped in a gap that ends now; 0 if none ends
   */
  giveBack(characters: number): number {
    const left = Atomics.sub(this.#counts, ON_THE_WAY, characters) - characters
    return left < RESUME_CHARACTERS ? Atomics.exchange(this.#counts, DROPPED, 0) : 0
  }
}
