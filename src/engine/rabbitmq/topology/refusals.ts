import { EngineStartError, type QueueField, QueueRefusedError } from "../../errors.ts"
import {
  type BrokerFault,
  type ChannelClosed,
  faultError,
  LASTING_REFUSALS,
  NOT_FOUND,
} from "../wire/broker-fault.ts"

/** How RabbitMQ says that there is none. Source: rabbit_misc.erl, `not_found`. */
export const MISSING = /no (queue|exchange) '/

/** How RabbitMQ names the argument that an existing queue has with another value. Source: rabbit_misc.erl, `assert_args_equivalence`. */
const OTHER_ARGUMENT = /inequivalent arg '([^']+)'/

/** The field of a declaration that each argument comes from. */
const FIELDS: Readonly<Record<string, QueueField>> = {
  "x-message-ttl": "ttlMs",
  "x-max-length": "maxLength",
  "x-overflow": "overflow",
  "x-single-active-consumer": "isSingleActiveConsumer",
}

/**
 * Returns true if RabbitMQ refuses a declaration until somebody changes something. RabbitMQ also closes a channel with 404 when
 * a queue's leader does not answer, and a connection for an internal error: both pass.
 * @param isPassive true if nothing is created, so that what is missing is refused, too
 */
export function isRefusal(fault: BrokerFault, isPassive: boolean): fault is ChannelClosed {
  if (fault.kind !== "channel-closed") return false
  return (
    LASTING_REFUSALS.has(fault.code) || (isPassive && fault.code === NOT_FOUND && MISSING.test(fault.text))
  )
}

/** The error of an exchange that RabbitMQ refuses. */
export function exchangeRefused(
  exchange: string,
  fault: ChannelClosed,
  isPassive: boolean,
): EngineStartError {
  const cause = faultError(fault)
  return new EngineStartError(messageOf(`the exchange ${exchange}`, cause, isPassive), { cause })
}

/**
 * The error of a queue that RabbitMQ refuses.
 * @param name the queue that is declared: the queue of events itself, or its dead-letter queue
 * @param queue the queue of events
 */
export function queueRefused(
  name: string,
  queue: string,
  fault: ChannelClosed,
  isPassive: boolean,
): QueueRefusedError {
  const cause = faultError(fault)
  const argument = OTHER_ARGUMENT.exec(fault.text)?.[1]
  const field = (name === queue && argument !== undefined && FIELDS[argument]) || null
  return new QueueRefusedError(queue, field, messageOf(`the queue ${name}`, cause, isPassive), { cause })
}

function messageOf(what: string, cause: Error, isPassive: boolean): string {
  const advice = isPassive
    ? "declare it, or unset TOPOLOGY"
    : "delete it when it is empty, configure this service to match it, or use it unchanged with TOPOLOGY=passive"
  return `${what} can't be used: ${cause.message}: ${advice}`
}
