import type { QueueArguments } from "../topology/queue-arguments.ts"
import { type ChannelClosed, faultOf, LASTING_REFUSALS } from "../wire/broker-fault.ts"
import type { QueueLook } from "./queue-look.ts"
import { StallWatch } from "./stall-watch.ts"

/** RabbitMQ's answer to a declaration that it does not carry out. */
export type DeclarationAnswer =
  /** The queue exists with exactly these arguments. */
  | { readonly kind: "same" }
  /** There is no queue of this name. */
  | { readonly kind: "missing" }
  /** The queue has other arguments, or belongs to a connection, or this user may not declare it. */
  | { readonly kind: "refused"; readonly fault: ChannelClosed }

/**
 * An argument that only streams have. RabbitMQ leaves it out when it compares a declaration with a queue that exists, and
 * refuses to make a queue of another type with it. So the question never makes a queue, even if the queue is deleted
 * between two questions. Source: rabbit_channel.erl and rabbit_amqqueue.erl, `check_arguments_key`; tried on 3.10 and 4.0.
 */
const NEVER_MADE = { "x-max-age": "1D" }

/** RabbitMQ's reply to a declaration with that argument if there is no queue of the name. */
const IS_MISSING = /invalid arg 'x-max-age'/

/** How long RabbitMQ may take to answer, in milliseconds: it does not while a queue has no leader. */
const ANSWER_TIMEOUT_MS = 5_000

/**
 * Asks RabbitMQ whether it would take the declaration of a queue, and changes nothing.
 * @throws an error that `faultOf` reads, or an `EngineUnavailableError`, if RabbitMQ can't tell.
 */
export async function askQueue(
  look: QueueLook,
  name: string,
  args: QueueArguments,
): Promise<DeclarationAnswer> {
  const channel = await look.channel()
  const properties = { durable: true, autoDelete: false, exclusive: false }
  using watch = new StallWatch(ANSWER_TIMEOUT_MS)
  try {
    const answer = channel.queueDeclare(name, properties, { ...args, ...NEVER_MADE })
    await Promise.race([answer, watch.stalled])
    return { kind: "same" }
  } catch (error) {
    const fault = faultOf(error)
    if (fault.kind !== "channel-closed" || !LASTING_REFUSALS.has(fault.code)) throw error
    return IS_MISSING.test(fault.text) ? { kind: "missing" } : { kind: "refused", fault }
  }
}
