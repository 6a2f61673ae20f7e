import type { Report } from "../report.ts"
import { type BootTime, readBootTime } from "./boot-time.ts"
import type { ClockMark, ClockMarkStore } from "./clock-mark.ts"

/** Where the clock takes the time from. For tests, which let it pass, jump and stand still. */
export interface TimeSources {
  /** Milliseconds since the epoch, as somebody may set them at any moment. */
  wall(): number
  /** Milliseconds of this process, which only go on. May stand still while the machine is suspended. */
  monotonic(): number
  boot(): BootTime | null
}

const SYSTEM_TIME: TimeSources = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  boot: readBootTime,
}

/**
 * The smallest jump of the wall clock, and the shortest suspend, that is noticed, in milliseconds. NTP slews smaller
 * differences, and reading three clocks one after the other is exact to some 10 ms.
 */
const NOTICED_MS = 1_000

/** The clocks are not compared where reading them took longer than this, in milliseconds: the process was stopped. */
const MAX_READING_MS = 100

/** How often a mark is written with a turn that is written anyway, in milliseconds. */
const MARK_INTERVAL_MS = 5_000

interface Reading {
  readonly wall: number
  readonly monotonic: number
  readonly boot: BootTime | null
}

/**
 * The time of a store, in milliseconds: what is queued, due and expired is told by it. It begins as the wall clock and
 * goes on by the monotonic clock, through restarts and suspends, so that a delay has its length whatever becomes of the
 * wall clock. A jump of the wall clock is reported and not followed.
 *
 * After a restart within one boot it goes on by the boot clock. After a boot the wall clock alone can tell how long the
 * machine was off: the store's time goes on by as much as the wall clock did, and never back.
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

  /** The store's time. Never goes back. */
  now(): number {
    return Math.floor(this.#anchor.store + this.#sources.monotonic() - this.#anchor.monotonic)
  }

  /** The time for people, by the wall clock. */
  wallNow(): number {
    return this.#sources.wall()
  }

  /** Compares the clocks: reports a jump of the wall clock, once, and counts the time of a suspend. */
  check(): void {
    const reading = this.#read()
    if (this.#sources.monotonic() - reading.monotonic > MAX_READING_MS) return
    const elapsed = reading.monotonic - this.#anchor.monotonic
    const suspended = suspendedFor(this.#anchor, reading, elapsed)
    const jumped = reading.wall - this.#anchor.wall - elapsed - suspended
    const isSuspend = suspended >= NOTICED_MS
    const isJump = Math.abs(jumped) >= NOTICED_MS
    if (!isSuspend && !isJump) return
    if (isSuspend) this.#report("info", "the machine was suspended; delays went on", { ms: suspended })
    if (isJump) this.#reportJump(jumped)
    // Each is told once: what was less than noticeable stays to be told once it has grown.
    this.#anchor = {
      store: this.#anchor.store + elapsed + (isSuspend ? suspended : 0),
      wall: isJump ? reading.wall : reading.wall - jumped,
      monotonic: reading.monotonic,
      boot: isSuspend ? reading.boot : this.#anchor.boot && advance(this.#anchor.boot, elapsed),
    }
    this.#markedAt = Number.NEGATIVE_INFINITY
  }

  /**
   * Writes a mark with a turn, where the last one is some seconds old. What `check` noticed is written with the next
   * turn, even an empty one: otherwise the jump would come in by a restart.
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
      // A disk that is full keeps the mark before, which serves as well: the time goes on from it.
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
    // A container that shows its own time since its start begins again within one boot of the machine.
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
    this.#report("warn", "the wall clock jumped; delays and expiry go on as before", { ms: Math.round(ms) })
  }
}

/** How much further the boot clock went than the monotonic clock, in milliseconds. */
function suspendedFor(anchor: Reading, { boot }: Reading, elapsed: number): number {
  if (boot === null || anchor.boot === null || boot.bootId !== anchor.boot.bootId) return 0
  return Math.max(0, boot.sinceBootMs - anchor.boot.sinceBootMs - elapsed)
}

const advance = ({ bootId, sinceBootMs }: BootTime, ms: number): BootTime => ({
  bootId,
  sinceBootMs: sinceBootMs + ms,
})
