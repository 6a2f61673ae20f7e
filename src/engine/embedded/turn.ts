import type { FailureRecord } from "../../event/failure.ts"
import type { Tried } from "../engine.ts"
import type { StoredEvent } from "./checksum.ts"
import type { Message } from "./message-statements.ts"
import type { Consumer, Queue } from "./queue.ts"

/** A publish that waits for its confirm. */
export interface PendingPublish {
  readonly stored: StoredEvent
  readonly routingKey: string
  /** As the engine orders by it, 0 to 9. */
  readonly priority: number
  readonly queues: readonly Queue[]
  readonly confirm: () => void
  readonly refuse: (error: unknown) => void
}

/** How a delivery is to be settled. */
export type Settlement =
  | { readonly kind: "ack" }
  | { readonly kind: "release"; readonly tried: Tried | null }
  | { readonly kind: "retry"; readonly delayMs: number; readonly failure: FailureRecord }
  | { readonly kind: "dead-letter"; readonly failure: FailureRecord }

/** A settlement that waits to be durable. */
export interface PendingSettlement {
  readonly settlement: Settlement
  readonly message: Message
  readonly queue: Queue
  readonly consumer: Consumer
  readonly confirm: () => void
  readonly fail: (error: Error) => void
}

/** What an operation needs to be written. */
export interface OperationNeeds {
  /** Whether it adds to the store, and is refused while publishing is blocked. */
  readonly room: boolean
}

/** Runs in the next turn; resolves once that is on the disk. @throws {EngineUnavailableError} */
export type Operate = <Result>(write: (now: number) => Result, needs: OperationNeeds) => Promise<Result>

/** Anything else that is written: a declaration, a step of a redrive or a purge. */
export interface PendingOperation {
  readonly needs: OperationNeeds
  /** Runs in the turn's transaction. If it throws, nothing of the turn is written. */
  readonly write: (now: number) => void
  readonly confirm: () => void
  readonly refuse: (cause: unknown) => void
}

/** An operation, and the promise of its result once that is on the disk. */
export function newOperation<Result>(
  write: (now: number) => Result,
  needs: OperationNeeds,
): { readonly operation: PendingOperation; readonly done: Promise<Result> } {
  const { promise: done, resolve, reject } = Promise.withResolvers<Result>()
  let confirm = (): void => {}
  const operation = {
    needs,
    write(now: number) {
      const result = write(now)
      confirm = () => resolve(result)
    },
    confirm: () => confirm(),
    refuse: reject,
  }
  return { operation, done }
}

/** What is asked of the engine in one turn of the event loop; it is committed together. */
export class Turn {
  readonly publishes: PendingPublish[] = []
  readonly operations: PendingOperation[] = []
  readonly settlements: PendingSettlement[] = []

  /** Whether something was asked for in it. */
  get isEmpty(): boolean {
    return this.publishes.length + this.operations.length + this.settlements.length === 0
  }
}
