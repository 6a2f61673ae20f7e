import type { QueueDeclaration } from "../../engine.ts"
import type { QueueType } from "../connection/capabilities.ts"
import { queueArguments } from "../topology/topology.ts"
import { type ChannelClosed, LASTING_REFUSALS, replyIn } from "../wire/broker-fault.ts"
import type { QueueLook } from "./queue-look.ts"

/** The answer to the question if this service declared a queue. */
export type Ownership =
  | { readonly kind: "ours" }
  /** There is no queue of this name. */
  | { readonly kind: "missing" }
  /** The queue has other arguments, or belongs to a connection, or this user may not ask. */
  | { readonly kind: "foreign"; readonly reason: string }

/**
 * An argument that only streams have. RabbitMQ leaves it out when it compares a declaration with a queue that exists, and
 * refuses to make a queue of another type with it. So the question never makes a queue, even if the queue is deleted
 * between two questions. Source: rabbit_channel.erl and rabbit_amqqueue.erl, `check_arguments_key`; tried on 3.10 and 4.0.
 */
const NEVER_MADE = { "x-max-age": "1D" }

/** RabbitMQ's reply to a declaration with that argument if there is no queue of the name. */
const IS_MISSING = /invalid arg 'x-max-age'/

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
  const refusal = await refusalOf(look, queue, queueType)
  if (refusal === null) return { kind: "ours" }
  if (IS_MISSING.test(refusal.text)) return { kind: "missing" }
  const second = await refusalOf(look, queue, OTHER_TYPE[queueType])
  if (second === null) return { kind: "ours" }
  return IS_MISSING.test(second.text) ? { kind: "missing" } : { kind: "foreign", reason: refusal.text }
}

/** Null if RabbitMQ takes the declaration for that of the queue that exists. */
async function refusalOf(
  look: QueueLook,
  queue: QueueDeclaration,
  queueType: QueueType,
): Promise<ChannelClosed | null> {
  const channel = await look.channel()
  const properties = { durable: true, autoDelete: false, exclusive: false }
  try {
    await channel.queueDeclare(queue.name, properties, { ...queueArguments(queue, queueType), ...NEVER_MADE })
    return null
  } catch (error) {
    const reply = replyIn(error)
    if (reply?.kind !== "channel-closed" || !LASTING_REFUSALS.has(reply.code)) throw error
    return reply
  }
}
