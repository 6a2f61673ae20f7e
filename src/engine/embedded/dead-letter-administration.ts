import type { Database } from "bun:sqlite"
import { nextTurn } from "../../system/next-turn.ts"
import { reasonOf } from "../../system/reason-of.ts"
import type {
  DeadLetter,
  DeadLetterPage,
  DeadLetterSelection,
  Purged,
  Redriven,
  RedriveOptions,
} from "../dead-letter.ts"
import type { EngineStatus } from "../engine.ts"
import { EngineUnavailableError, InvalidCursorError } from "../errors.ts"
import type { Operate } from "./commit/turn.ts"
import { whyUnavailable } from "./engine-state.ts"
import { DeadLetterStore, type LetterRange, type Step } from "./store/dead-letter-store.ts"
import type { Queue } from "./store/queue.ts"
import { isDamage } from "./store/store-damage.ts"
import type { Tables } from "./store/tables.ts"

export interface DeadLetterAdministrationOptions {
  readonly status: () => EngineStatus
  readonly operate: Operate
  /** Called when the store turns out to be damaged. */
  readonly onDamage: (cause: unknown) => void
}

/** One step of a walk through a queue's dead letters. */
type TakeStep = (selection: DeadLetterSelection, range: LetterRange) => Step | Promise<Step>

/**
 * Operations on dead letters, executed in steps so that the event loop keeps running between them. Each step
 * that writes is part of a turn.
 */
export class DeadLetterAdministration {
  readonly #options: DeadLetterAdministrationOptions
  readonly #letters: DeadLetterStore

  constructor(database: Database, tables: Tables, options: DeadLetterAdministrationOptions) {
    this.#options = options
    this.#letters = new DeadLetterStore(database, tables)
  }

  /** Returns a page: the first step that finds something, which is bounded. @throws {InvalidCursorError} */
  async look(queue: Queue, selection: DeadLetterSelection, after?: string): Promise<DeadLetterPage> {
    const letters: DeadLetter[] = []
    const position = after === undefined ? 0 : positionOf(after)
    let range = this.#read(() => this.#letters.range(queue, position))
    while (true) {
      const { count, left, stoppedAt } = this.#read(() =>
        this.#letters.read(queue, selection, range, letters),
      )
      const next = left?.after ?? stoppedAt
      if (count > 0 || left === null) return { letters, cursor: next === null ? null : String(next) }
      range = left
      await nextTurn()
    }
  }

  async redrive(
    queue: Queue,
    selection: DeadLetterSelection,
    { dryRun = false, edited }: RedriveOptions,
  ): Promise<Redriven> {
    let corrupt = 0
    const onCorrupt = (): void => {
      corrupt++
    }
    const found = () => corrupt > 0 && { corrupt }
    if (dryRun) {
      const redriven = await this.#walk(queue, selection, (rest, range) =>
        this.#read(() => this.#letters.countIntact(queue, rest, range, onCorrupt)),
      )
      return { redriven, remaining: queue.deadLetters - redriven, ...found() }
    }
    const redriven = await this.#walk(queue, selection, (rest, range) =>
      this.#options.operate(
        (now) => this.#letters.redrive(queue, rest, range, now, onCorrupt, edited ?? null),
        { room: true },
      ),
    )
    return { redriven, remaining: queue.deadLetters, ...found() }
  }

  async purge(queue: Queue, selection: DeadLetterSelection): Promise<Purged> {
    const purged = await this.#walk(queue, selection, (rest, range) =>
      // A purge frees space on a full disk.
      this.#options.operate(() => this.#letters.purge(queue, rest, range), { room: false }),
    )
    return { purged, remaining: queue.deadLetters }
  }

  close(): void {
    this.#letters.close()
  }

  async #walk(queue: Queue, selection: DeadLetterSelection, takeStep: TakeStep): Promise<number> {
    let total = 0
    let range: LetterRange | null = this.#read(() => this.#letters.range(queue))
    while (range !== null) {
      const limit = (selection.limit ?? Number.POSITIVE_INFINITY) - total
      const { count, left } = await takeStep({ ...selection, limit }, range)
      total += count
      range = left
      if (range !== null) await nextTurn()
    }
    return total
  }

  /** Reads even while the disk accepts no writes. */
  #read<Result>(read: () => Result): Result {
    const status = this.#options.status()
    if (status.state === "closed" || status.state === "failed") {
      throw new EngineUnavailableError(whyUnavailable(status))
    }
    try {
      return read()
    } catch (cause) {
      if (isDamage(cause)) this.#options.onDamage(cause)
      throw new EngineUnavailableError(`the store can't be read: ${reasonOf(cause)}`, { cause })
    }
  }
}

/**
 * A cursor is the position of the last dead letter that was read. It stays valid after that one is deleted.
 */
function positionOf(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor)) throw new InvalidCursorError("is not a cursor of a list")
  return Number(cursor)
}
