import type { Log } from "./store-log.ts"
import { type PendingOperation, type PendingSettlement, Turn } from "./turn.ts"
import type { TurnWriter, WrittenTurn } from "./turn-writer.ts"

export interface CommitterOptions {
  readonly writer: TurnWriter
  readonly log: Log
  /** Whether turns are committed. What is asked for while they are not waits in the turn. */
  readonly isOpen: () => boolean
  /** The turn is on the disk. */
  readonly onConfirmed: (turn: Turn, written: WrittenTurn) => void
  /** Nothing of the turn was written. */
  readonly onRefused: (turn: Turn, cause: unknown) => void
  /** The turn was written, and nobody knows whether it is on the disk. No other turn may follow. */
  readonly onFailed: (turn: Turn, cause: unknown) => void
}

/**
 * Group commit. All that is asked for until the event loop comes round, or while the turn before is synced, goes into one
 * transaction with one sync, and is confirmed after it. So there is never more than one turn in doubt.
 */
export class Committer {
  readonly #options: CommitterOptions
  #turn = new Turn()
  #phase: "idle" | "due" | "committing" | "finished" = "idle"
  /** Whether another turn follows the one that is being committed at once. */
  #hasNext = false
  /** Resolves once the log can be written again. */
  #committed: PromiseWithResolvers<void> = Promise.withResolvers()
  #checkpointed: Promise<void> | null = null

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** What is asked for next goes in here. */
  get turn(): Turn {
    return this.#turn
  }

  /** The log is being synced or copied. */
  get isCommitting(): boolean {
    return this.#phase === "committing"
  }

  /** Starts a new turn. Returns the one before. */
  takeTurn(): Turn {
    const turn = this.#turn
    this.#turn = new Turn()
    return turn
  }

  /** Puts what was not written before what is asked for next. */
  putBack(settlements: readonly PendingSettlement[], operations: readonly PendingOperation[]): void {
    this.#turn.settlements.unshift(...settlements)
    this.#turn.operations.unshift(...operations)
  }

  schedule(): void {
    if (!this.#options.isOpen()) return
    if (this.#phase === "committing") this.#hasNext = true
    if (this.#phase !== "idle") return
    this.#phase = "due"
    // What the last confirms set off arrives within a round of the event loop: a commit under load holds more of it.
    setImmediate(() => this.#commitDue())
  }

  /**
   * Copies the log into the database, also while turns are not committed. Resolves once the store can be written again,
   * or has failed.
   */
  checkpoint(): Promise<void> {
    this.#checkpointed ??= this.#checkpoint().finally(() => {
      this.#checkpointed = null
    })
    return this.#checkpointed
  }

  /** Finishes the turn that is being committed, and commits what was asked for meanwhile. The last call. */
  async finish(): Promise<void> {
    await this.#untilIdle()
    if (this.#options.isOpen()) this.#commit()
    await this.#untilIdle()
    this.#phase = "finished"
  }

  async #checkpoint(): Promise<void> {
    this.#options.log.hurry()
    // The sync that goes on may have been asked for before.
    await this.#untilIdle()
    if (this.#phase === "finished") return
    if (this.#phase === "due") this.#hasNext = true
    this.#sync(new Turn(), null)
    await this.#untilIdle()
  }

  async #untilIdle(): Promise<void> {
    while (this.#phase === "committing") await this.#committed.promise
  }

  #commitDue(): void {
    if (this.#phase !== "due") return
    this.#phase = "idle"
    if (this.#options.isOpen()) this.#commit()
  }

  #commit(): void {
    const { writer, onConfirmed, onRefused } = this.#options
    const turn = this.takeTurn()
    let written: WrittenTurn
    try {
      written = writer.write(turn)
    } catch (error) {
      onRefused(turn, error)
      return
    }
    if (turn.isEmpty && written.claims.length === 0) onConfirmed(turn, written)
    else this.#sync(turn, written)
  }

  /** @param written null if there is nothing to confirm */
  #sync(turn: Turn, written: WrittenTurn | null): void {
    const { writer, log, onConfirmed, onFailed } = this.#options
    this.#phase = "committing"
    this.#committed = Promise.withResolvers()
    let inDoubt = turn
    log.sync(writer.number, {
      onSynced: () => {
        inDoubt = new Turn()
        if (written !== null) onConfirmed(turn, written)
      },
      onWritable: () => this.#finishTurn(),
      onFailed: (cause) => {
        onFailed(inDoubt, cause)
        this.#finishTurn()
      },
    })
  }

  #finishTurn(): void {
    this.#phase = "idle"
    this.#committed.resolve()
    if (!this.#hasNext) return
    this.#hasNext = false
    this.schedule()
  }
}
