import type { DeadLetterFailure, RetryFailure } from "../../../event/failure.ts"
import type { HistoryFact } from "../../../event/history-fact.ts"
import type { Tried } from "../../engine.ts"
import type { Message } from "../store/message-statements.ts"
import type { Consumer, Queue } from "../store/queue.ts"
import type { PendingPublish } from "./pending-publish.ts"

/** How to settle a delivery. */
export type Settlement = (
  | { readonly kind: "ack" }
  | { readonly kind: "release"; readonly tried: Tried | null }
  | { readonly kind: "retry"; readonly delayMs: number; readonly failure: RetryFailure }
  | { readonly kind: "dead-letter"; readonly failure: DeadLetterFailure }
) & { readonly fact?: HistoryFact | undefined }

/** A settlement waiting to be durable. */
export interface PendingSettlement {
  readonly settlement: Settlement
  readonly message: Message
  readonly queue: Queue
  readonly consumer: Consumer
  readonly confirm: () => void
  readonly fail: (error: Error) => void
}

/** Requirements of an operation. */
export interface OperationNeeds {
  /** True if the operation adds to the store, and is refused while publishing is blocked. */
  readonly room: boolean
}

/** Runs `write` in the next turn. Resolves when it is on the disk. @throws {EngineUnavailableError} */
export type Operate = <Result>(write: (now: number) => Result, needs: OperationNeeds) => Promise<Result>

/** Any other write: a declaration, or a step of a redrive or a purge. */
export interface PendingOperation {
  readonly needs: OperationNeeds
  /** Runs in the turn's transaction. If it throws, nothing of the turn is written. */
  readonly write: (now: number) => void
  readonly confirm: () => void
  readonly refuse: (cause: unknown) => void
}

/** Returns an operation, and a promise of its result that resolves when it is on the disk. */
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

/** The requests to the engine in one turn of the event loop. They are committed together. */
export class Turn {
  readonly publishes: PendingPublish[] = []
  readonly operations: PendingOperation[] = []
  readonly settlements: PendingSettlement[] = []

  /** Queues of the deliveries whose outcome is not written yet, one for each delivery. A release is no outcome. */
  get settling(): readonly Queue[] {
    return this.settlements.flatMap(({ settlement, queue }) => (settlement.kind === "release" ? [] : [queue]))
  }

  /** True if it has nothing but publishes. */
  get onlyPublishes(): boolean {
    return this.publishes.length > 0 && this.operations.length + this.settlements.length === 0
  }

  /** True if the turn has no requests. */
  get isEmpty(): boolean {
    return this.publishes.length + this.operations.length + this.settlements.length === 0
  }
}
