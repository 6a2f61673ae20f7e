import type { Report } from "../../report.ts"
import { type BootTime, readBootTime } from "./boot-time.ts"
import type { ClockMark, ClockMarkStore } from "./clock-mark.ts"

/** Time sources of the clock. Tests replace them. */
export interface TimeSources {
  /** Milliseconds since the epoch. Anybody may set this clock at any time. */
  wall(): number
  /** Milliseconds on the monotonic clock of this process. May stand still while the machine is suspended. */
  monotonic(): number
  boot(): BootTime | null
}

const SYSTEM_TIME: TimeSources = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  boot: readBootTime,
}

/**
 * Smallest jump of the wall clock, and shortest suspend, that is noticed, in milliseconds. NTP slews smaller
 * differences, and reading three clocks in sequence is exact to about 10 ms.
 */
const NOTICED_MS = 1_000

/**
 * Longest time for reading the clocks, in milliseconds. After a longer one the process was stopped in
 * between, so they are not compared.
 */
const MAX_READING_MS = 100

/** Minimum interval between marks, in milliseconds. A mark is written with a turn that is written anyway. */
const MARK_INTERVAL_MS = 5_000

interface Reading {
  readonly wall: number
  readonly monotonic: number
  readonly boot: BootTime | null
}

/**
 * The time of a store, in milliseconds. Queueing, due times and expiry use it. It starts as the wall clock
 * and continues with the monotonic clock, through restarts and suspends, so that delays keep their length
 * whatever happens to the wall clock. A jump of the wall clock is reported, not followed.
 *
 * After a restart within one boot it continues with the boot clock. After a reboot only the wall clock knows
 * how long the machine was off: the store's time advances as much as the wall clock did, and never goes back.
 */
export class StoreClock {
  readonly #sources: TimeSources
  readonly #report: Report
  readonly #marks: ClockMarkStore
  /** The moment from which the time is counted. */
  #anchor: Reading & { readonly store: number }
  #markedAt = Number.NEGATIVE_INFINITY

  constructor(marks: ClockMarkStore, report: Report, sources: TimeSources = SYSTEM_TIME) {
    this.#sources = sources
    this.#report = report
    this.#marks = marks
    const reading = this.#read()
    const mark = marks.read()
    this.#anchor = { ...reading, store: mark === null ? reading.wall : this.#resume(mark, reading) }
  }

  /** Returns the store's time. Never goes back. */
  now(): number {
    return Math.floor(this.#anchor.store + this.#sources.monotonic() - this.#anchor.monotonic)
  }

  /** Returns the wall clock time, for display. */
  wallNow(): number {
    return this.#sources.wall()
  }

  /** Compares the clocks: reports a jump of the wall clock once, and adds the time of a suspend. */
  check(): void {
    const reading = this.#read()
    if (this.#sources.monotonic() - reading.monotonic > MAX_READING_MS) return
    const elapsed = reading.monotonic - this.#anchor.monotonic
    const suspended = suspendedFor(this.#anchor, reading, elapsed)
    const jumped = reading.wall - this.#anchor.wall - elapsed - suspended
    const isSuspend = suspended >= NOTICED_MS
    const isJump = Math.abs(jumped) >= NOTICED_MS
    if (!isSuspend && !isJump) return
    if (isSuspend)
      this.#report("info", "the machine was suspended; delays continued meanwhile", { ms: suspended })
    if (isJump) this.#reportJump(jumped)
    // Reports each difference once: a smaller one is kept until it is large enough.
    this.#anchor = {
      store: this.#anchor.store + elapsed + (isSuspend ? suspended : 0),
      wall: isJump ? reading.wall : reading.wall - jumped,
      monotonic: reading.monotonic,
      boot: isSuspend ? reading.boot : this.#anchor.boot && advance(this.#anchor.boot, elapsed),
    }
    this.#markedAt = Number.NEGATIVE_INFINITY
  }

  /**
   * Writes a mark with a turn if the last one is some seconds old. A difference that `check` noticed is
   * written with the next turn, even an empty one: otherwise a restart would apply the jump.
   */
  keepMark(turn: { readonly isEmpty: boolean }): void {
    const age = this.#sources.monotonic() - this.#markedAt
    if (age === Number.POSITIVE_INFINITY || (age >= MARK_INTERVAL_MS && !turn.isEmpty)) this.#mark()
  }

  /** Writes the last mark. */
  close(): void {
    try {
      this.#mark()
    } catch {
      // On a full disk the previous mark stays, and the time continues from it.
    }
    this.#marks.close()
  }

  #mark(): void {
    const { wall, monotonic, boot } = this.#read()
    this.#markedAt = monotonic
    this.#marks.write({
      storeTime: this.now(),
      wallTime: wall,
      bootId: boot?.bootId ?? null,
      sinceBoot: boot?.sinceBootMs ?? null,
    })
  }

  #read(): Reading {
    const monotonic = this.#sources.monotonic()
    return { monotonic, wall: this.#sources.wall(), boot: this.#sources.boot() }
  }

  #resume(mark: ClockMark, { wall, boot }: Reading): number {
    const byWall = wall - mark.wallTime
    const isSameBoot = boot !== null && boot.bootId === mark.bootId && mark.sinceBoot !== null
    const byBoot = isSameBoot ? boot.sinceBootMs - (mark.sinceBoot ?? 0) : -1
    // In a container that shows its own uptime, the boot clock restarts within one boot of the machine.
    if (byBoot < 0) {
      if (byWall < 0) {
        this.#report("warn", "the wall clock is behind the time when the store was last used", {
          ms: -byWall,
        })
      }
      return mark.storeTime + Math.max(0, byWall)
    }
    if (Math.abs(byWall - byBoot) >= NOTICED_MS) this.#reportJump(byWall - byBoot)
    return mark.storeTime + byBoot
  }

  #reportJump(ms: number): void {
    this.#report("warn", "the wall clock jumped; delays and expiry are not affected", { ms: Math.round(ms) })
  }
}

/** Returns how much further the boot clock advanced than the monotonic clock, in milliseconds. */
function suspendedFor(anchor: Reading, { boot }: Reading, elapsed: number): number {
  if (boot === null || anchor.boot === null || boot.bootId !== anchor.boot.bootId) return 0
  return Math.max(0, boot.sinceBootMs - anchor.boot.sinceBootMs - elapsed)
}

const advance = ({ bootId, sinceBootMs }: BootTime, ms: number): BootTime => ({
  bootId,
  sinceBootMs: sinceBootMs + ms,
})
