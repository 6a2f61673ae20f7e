import type { Log } from "./store-log.ts"
import { type PendingOperation, type PendingSettlement, Turn } from "./turn.ts"
import type { TurnWriter, WrittenTurn } from "./turn-writer.ts"

export interface CommitterOptions {
  readonly writer: TurnWriter
  readonly log: Log
  /** Returns whether turns are committed. Until they are, requests wait in the current turn. */
  readonly isOpen: () => boolean
  /** Called when the turn is on the disk. */
  readonly onConfirmed: (turn: Turn, written: WrittenTurn) => void
  /** Called when nothing of the turn was written. */
  readonly onRefused: (turn: Turn, cause: unknown) => void
  /** Called when the turn was written but may not be on the disk. No other turn may follow. */
  readonly onFailed: (turn: Turn, cause: unknown) => void
}

/**
 * Group commit. Everything requested before the event loop comes round, or while the previous turn is synced,
 * goes into one transaction with one sync, and is confirmed after it. So at most one turn is in doubt at any
 * time.
 */
export class Committer {
  readonly #options: CommitterOptions
  #turn = new Turn()
  #phase: "idle" | "due" | "committing" | "finished" = "idle"
  /** True if the next turn follows the current one at once. */
  #hasNext = false
  /** Resolves when the log is writable again. */
  #committed: PromiseWithResolvers<void> = Promise.withResolvers()
  #checkpointed: Promise<void> | null = null

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** The turn that collects new requests. */
  get turn(): Turn {
    return this.#turn
  }

  /** True while the log is being synced or copied. */
  get isCommitting(): boolean {
    return this.#phase === "committing"
  }

  /** Starts a new turn. Returns the previous one. */
  takeTurn(): Turn {
    const turn = this.#turn
    this.#turn = new Turn()
    return turn
  }

  /** Puts work that was not written in front of new requests. */
  putBack(settlements: readonly PendingSettlement[], operations: readonly PendingOperation[]): void {
    this.#turn.settlements.unshift(...settlements)
    this.#turn.operations.unshift(...operations)
  }

  schedule(): void {
    if (!this.#options.isOpen()) return
    if (this.#phase === "committing") this.#hasNext = true
    if (this.#phase !== "idle") return
    this.#phase = "due"
    // Requests triggered by the last confirms arrive within one round of the event loop, so under load a
    // commit collects more of them.
    setImmediate(() => this.#commitDue())
  }

  /**
   * Copies the log into the database, even while turns are not committed. Resolves when the store is writable
   * again or has failed.
   */
  checkpoint(): Promise<void> {
    this.#checkpointed ??= this.#checkpoint().finally(() => {
      this.#checkpointed = null
    })
    return this.#checkpointed
  }

  /** Finishes the current commit, and commits what was requested meanwhile. Must be the last call. */
  async finish(): Promise<void> {
    await this.#untilIdle()
    if (this.#options.isOpen()) this.#commit()
    await this.#untilIdle()
    this.#phase = "finished"
  }

  async #checkpoint(): Promise<void> {
    this.#options.log.hurry()
    // The sync in progress may have been requested earlier.
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
    if (written.isEmpty) onConfirmed(turn, written)
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
