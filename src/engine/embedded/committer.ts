import type { Log } from "./store-log.ts"
import { Turn } from "./turn.ts"
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
  #phase: "idle" | "due" | "committing" = "idle"
  /** Whether another turn follows the one that is being committed at once. */
  #hasNext = false
  #onIdle: (() => void) | null = null

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** What is asked for next goes in here. */
  get turn(): Turn {
    return this.#turn
  }

  /** Starts a new turn. Returns the one before. */
  takeTurn(settlements: Turn["settlements"] = []): Turn {
    const turn = this.#turn
    this.#turn = new Turn(settlements)
    return turn
  }

  schedule(): void {
    if (!this.#options.isOpen()) return
    if (this.#phase === "committing") this.#hasNext = true
    if (this.#phase !== "idle") return
    this.#phase = "due"
    // What the last confirms set off arrives within a round of the event loop: with a second one, a commit under
    // load holds twice as much.
    setImmediate(() => setImmediate(() => this.#commitDue()))
  }

  /** Finishes the turn that is being committed, and commits what was asked for meanwhile. */
  async finish(): Promise<void> {
    await this.#idle()
    if (this.#options.isOpen()) this.#commit()
    await this.#idle()
  }

  async #idle(): Promise<void> {
    if (this.#phase === "committing") await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  #commitDue(): void {
    if (this.#phase !== "due") return
    this.#phase = "idle"
    if (this.#options.isOpen()) this.#commit()
  }

  #commit(): void {
    const { writer, log, onConfirmed, onRefused, onFailed } = this.#options
    const turn = this.takeTurn()
    let written: WrittenTurn
    try {
      written = writer.write(turn)
    } catch (error) {
      onRefused(turn, error)
      return
    }
    if (turn.isEmpty && written.claims.length === 0) {
      onConfirmed(turn, written)
      return
    }
    this.#phase = "committing"
    let inDoubt = turn
    log.sync(written.number, {
      onSynced: () => {
        inDoubt = new Turn()
        onConfirmed(turn, written)
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
    const onIdle = this.#onIdle
    this.#onIdle = null
    onIdle?.()
    if (!this.#hasNext) return
    this.#hasNext = false
    this.schedule()
  }
}
