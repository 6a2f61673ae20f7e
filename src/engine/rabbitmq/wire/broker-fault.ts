import { AMQPError } from "@cloudamqp/amqp-client"
import { reasonOf } from "../../../system/reason-of.ts"

/** RabbitMQ closed a channel; the connection is still open. */
export interface ChannelClosed {
  readonly kind: "channel-closed"
  /** AMQP's reply code. */
  readonly code: number
  /** RabbitMQ's reply text. */
  readonly text: string
}

/** RabbitMQ closed the connection. */
export interface ConnectionClosed {
  readonly kind: "connection-closed"
  readonly code: number
  readonly text: string
}

/**
 * The meaning of an error of the AMQP library. `text` is RabbitMQ's reply text, if there is one, without
 * secrets.
 */
export type BrokerFault =
  | ChannelClosed
  | ConnectionClosed
  /** The socket ended or could not be opened. */
  | { readonly kind: "connection-lost"; readonly text: string }
  /** RabbitMQ blocks the connection because memory or disk is short. */
  | { readonly kind: "blocked"; readonly text: string }
  /** A publish was nacked. */
  | { readonly kind: "nacked"; readonly text: string }
  /** The peer did not answer in time. */
  | { readonly kind: "timeout"; readonly text: string }
  /** The message does not fit in AMQP's frames or field types. Nothing was sent. */
  | { readonly kind: "cannot-encode"; readonly text: string }

/** AMQP reply codes to a publish or a declaration that fails. Source: AMQP 0-9-1, section 1.8. */
export const ACCESS_REFUSED = 403
export const NOT_FOUND = 404
export const RESOURCE_LOCKED = 405
export const PRECONDITION_FAILED = 406

/** A part of AMQP that RabbitMQ does not have, such as streams. */
export const NOT_IMPLEMENTED = 540

/** Replies that stay until somebody changes a permission, or an object that has another owner or other arguments. */
export const LASTING_REFUSALS: ReadonlySet<number> = new Set([
  ACCESS_REFUSED,
  RESOURCE_LOCKED,
  PRECONDITION_FAILED,
])

/** Longest text, in UTF-16 code units. A reply text has at most 255 bytes; a socket error may be longer. */
const MAX_TEXT_LENGTH = 512

/**
 * The library's messages for a close, a block and a nack. Source: amqp-base-client.js and amqp-channel.js of
 * 4.1.
 */
const CHANNEL_CLOSED = /^channel \d+ closed: (.*) \((\d+)\)$/s
const CONNECTION_CLOSED = /^connection closed: (.*) \((\d+)\)$/s
const BLOCKED = /^Connection blocked by server: (.*)$/s
const NACKED = "Message rejected"
const TIMEOUTS = ["timeout", "Heartbeat timeout"]
const NOT_OPEN = ["Channel is closed", "Connection closed by client"]

/** The part of a URL before the host. */
const CREDENTIALS = /:\/\/[^/@\s]*@/g

/** A fault as an error, without references of the library's error. */
class BrokerError extends Error {
  override readonly name = "BrokerError"
  readonly fault: BrokerFault

  constructor(fault: BrokerFault) {
    super("code" in fault ? `${fault.text} (${fault.code})` : fault.text)
    this.fault = fault
  }
}

/**
 * Translates an error of the AMQP library, or its text. The library's error must not be passed on, because it
 * refers to the connection, which holds the credentials.
 */
export function faultOf(error: unknown): BrokerFault {
  if (error instanceof BrokerError) return error.fault
  const message = reasonOf(error)
  const text = safe(message)
  const channel = CHANNEL_CLOSED.exec(message)
  if (channel !== null) return { kind: "channel-closed", ...replyOf(channel) }
  const connection = CONNECTION_CLOSED.exec(message)
  if (connection !== null) return { kind: "connection-closed", ...replyOf(connection) }
  const blocked = BLOCKED.exec(message)
  if (blocked !== null) return { kind: "blocked", text: safe(blocked[1] ?? "") }
  if (message === NACKED) return { kind: "nacked", text }
  if (TIMEOUTS.includes(message)) return { kind: "timeout", text }
  if (error instanceof RangeError || error instanceof TypeError) return { kind: "cannot-encode", text }
  const isOfNetwork = error instanceof AMQPError || (error instanceof Error && "code" in error)
  if (isOfNetwork || typeof error === "string" || NOT_OPEN.includes(message)) {
    return { kind: "connection-lost", text }
  }
  return { kind: "cannot-encode", text }
}

/** Returns a fault as an error that may be passed on, also as a cause. */
export const faultError = (fault: BrokerFault): Error => new BrokerError(fault)

/** Finds RabbitMQ's reply in an error or its causes; null if there is none. */
export function replyIn(error: unknown): ChannelClosed | ConnectionClosed | null {
  for (let each = error; each instanceof Error; each = each.cause) {
    const fault = faultOf(each)
    if ("code" in fault) return fault
  }
  return null
}

/**
 * Returns whether RabbitMQ ended the connection. It does so, and not only with the channel, if a stream can't be used while
 * it is made, deleted or broken: RESOURCE_ERROR (506) and INTERNAL_ERROR (541).
 */
export const endsConnection = (error: unknown): boolean => replyIn(error)?.kind === "connection-closed"

/** Returns RabbitMQ's reply text if there is one, otherwise the error's message. */
export const refusalText = (error: unknown): string => replyIn(error)?.text ?? reasonOf(error)

/**
 * Returns the size of a message that RabbitMQ refused as too large, and the limit, in bytes; otherwise null.
 */
export function sizeRefusal(fault: ChannelClosed): { readonly size: number; readonly limit: number } | null {
  const sizes = /message size (\d+) is larger than (?:configured )?max size (\d+)/.exec(fault.text)
  return fault.code === PRECONDITION_FAILED && sizes !== null
    ? { size: Number(sizes[1]), limit: Number(sizes[2]) }
    : null
}

/** A destination for messages. */
export interface Destination {
  readonly exchange: string
  /** Null: every routing key of the exchange. */
  readonly routingKey: string | null
}

/**
 * Returns the destination that RabbitMQ names when it refuses access (403) or finds no exchange (404); null
 * if it names none.
 * Source: rabbit_access_control.erl, rabbit_misc.erl.
 */
export function namedDestination({ code, text }: ChannelClosed): Destination | null {
  if (code !== ACCESS_REFUSED && code !== NOT_FOUND) return null
  const exchange = /exchange '(.*?)' in vhost/s.exec(text)?.[1]
  if (exchange === undefined) return null
  const routingKey = /access to topic '(.*)' in exchange '/s.exec(text)?.[1] ?? null
  return { exchange: exchange === "amq.default" ? "" : exchange, routingKey }
}

function replyOf(match: RegExpExecArray): { readonly code: number; readonly text: string } {
  return { code: Number(match[2]), text: safe(match[1] ?? "") }
}

const safe = (text: string): string => text.replace(CREDENTIALS, "://").slice(0, MAX_TEXT_LENGTH)
