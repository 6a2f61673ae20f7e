import type { EngineStatus } from "../engine.ts"
import { EngineUnavailableError } from "../errors.ts"
import type { OperationNeeds } from "./turn.ts"
import { whyUnavailable } from "./turn-failure.ts"

/** The engine's state, and what may be done in it. */
export class EngineState {
  readonly #onChange: (status: EngineStatus) => void
  /** What the engine is like while all is well. */
  readonly #ready: EngineStatus
  #status: EngineStatus

  /** @param warning what an operator has to know while the engine is ready */
  constructor(warning: string | null, onChange: (status: EngineStatus) => void = () => {}) {
    this.#onChange = onChange
    this.#ready = warning === null ? { state: "ready" } : { state: "ready", warning }
    this.#status = this.#ready
  }

  get current(): EngineStatus {
    return this.#status
  }

  /** Turns are committed, though publishes may be refused. */
  get isWritable(): boolean {
    return this.#status.state === "ready" || this.#status.state === "blocked"
  }

  /** Nothing can be settled any more. */
  get isGone(): boolean {
    return this.#status.state === "closed" || this.#status.state === "failed"
  }

  /** Another reason for the same state is kept, and is no news. */
  change(status: EngineStatus): void {
    const isNews = this.#status.state !== status.state
    this.#status = status
    if (isNews) this.#onChange(status)
  }

  /** The store can be written again. Publishers are blocked if there is a reason. */
  open(blockedBecause: string | null): void {
    this.change(blockedBecause === null ? this.#ready : { state: "blocked", reason: blockedBecause })
  }

  /** Blocks publishers for this reason, or lets them go on if it is null. Does nothing unless the store is written. */
  block(because: string | null): void {
    if (this.isWritable) this.open(because)
  }

  /** The last state. Whoever closes an engine knows, and is not called. */
  close(): void {
    this.#status = { state: "closed" }
  }

  /** Whether an operation may be written: one that adds to the store is refused while publishers are blocked. */
  takes({ room }: OperationNeeds): boolean {
    return room ? this.#status.state === "ready" : this.isWritable
  }

  /** The refusal of an operation in this state. */
  refusal(): EngineUnavailableError {
    return new EngineUnavailableError(whyUnavailable(this.#status))
  }
}
