import type { QueueDeclaration } from "../../engine.ts"
import type { QueueType } from "../connection/capabilities.ts"
import { queueArguments } from "../topology/queue-arguments.ts"
import { askQueue, type DeclarationAnswer } from "./ask-queue.ts"
import type { QueueLook } from "./queue-look.ts"

/** The answer to the question if this service declared a queue. */
export type Ownership =
  | { readonly kind: "ours" }
  /** There is no queue of this name. */
  | { readonly kind: "missing" }
  /** The queue has other arguments, or belongs to a connection, or this user may not ask. */
  | { readonly kind: "foreign"; readonly reason: string }

/** The queue may have been declared before `QUEUE_TYPE` was changed. */
const OTHER_TYPE: Readonly<Record<QueueType, QueueType>> = { quorum: "classic", classic: "quorum" }

/**
 * Asks RabbitMQ whether a queue exists with exactly the arguments of its declaration. A name alone says nothing: any
 * program can write one to the register.
 * @throws an error that `faultOf` reads, if RabbitMQ can't tell.
 */
export async function askOwnership(
  look: QueueLook,
  queue: QueueDeclaration,
  queueType: QueueType,
): Promise<Ownership> {
  const first = await askQueue(look, queue.name, queueArguments(queue, queueType))
  if (first.kind !== "refused") return ownershipOf(first)
  const second = await askQueue(look, queue.name, queueArguments(queue, OTHER_TYPE[queueType]))
  return second.kind === "refused" ? { kind: "foreign", reason: first.fault.text } : ownershipOf(second)
}

const ownershipOf = ({ kind }: Exclude<DeclarationAnswer, { readonly kind: "refused" }>): Ownership => ({
  kind: kind === "same" ? "ours" : "missing",
})
