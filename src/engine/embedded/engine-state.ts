import type { EngineStatus } from "../engine.ts"
import { EngineUnavailableError, PublishError } from "../errors.ts"
import type { OperationNeeds } from "./commit/turn.ts"

/** The engine's state, and the operations that it allows. */
export class EngineState {
  readonly #onChange: (status: EngineStatus) => void
  /** The status in normal operation. */
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

  /** True while turns are committed, even if publishes are refused. */
  get isWritable(): boolean {
    return this.#status.state === "ready" || this.#status.state === "blocked"
  }

  /** True when nothing can be settled any more. */
  get isGone(): boolean {
    return this.#status.state === "closed" || this.#status.state === "failed"
  }

  /** Changes the status. A new reason for the same state is stored without calling `onChange`. */
  change(status: EngineStatus): void {
    const isNews = this.#status.state !== status.state
    this.#status = status
    if (isNews) this.#onChange(status)
  }

  /** The store is writable again. With a reason, publishers are blocked. */
  open(blockedBecause: string | null): void {
    this.change(blockedBecause === null ? this.#ready : { state: "blocked", reason: blockedBecause })
  }

  /** Blocks publishers for this reason; null unblocks them. Does nothing unless the store is writable. */
  block(because: string | null): void {
    if (this.isWritable) this.open(because)
  }

  /** Sets the last state. Does not call `onChange`. */
  close(): void {
    this.#status = { state: "closed" }
  }

  /**
   * Returns whether an operation may be written: while publishers are blocked, operations that add to the
   * store are refused.
   */
  takes({ room }: OperationNeeds): boolean {
    return room ? this.#status.state === "ready" : this.isWritable
  }

  /** Returns the error for an operation refused in this state. */
  refusal(): EngineUnavailableError {
    return new EngineUnavailableError(whyUnavailable(this.#status))
  }
}

/** Returns why an engine that is not ready refuses requests. */
export const whyUnavailable = (status: EngineStatus): string =>
  "reason" in status ? status.reason : "the engine is closed"

/** Returns the error of a publish while the engine is not ready. */
export const unavailable = (status: EngineStatus): PublishError =>
  new PublishError("engine-unavailable", whyUnavailable(status))
