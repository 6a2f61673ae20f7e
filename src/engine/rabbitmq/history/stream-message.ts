import type { AMQPMessage, AMQPProperties } from "@cloudamqp/amqp-client"
import type { FactBatch } from "../../../event/history-fact.ts"
import { APP_ID, bytesOf, headersOf, isForeign } from "../wire/decode.ts"

/**
 * A message of the stream. A mark has no facts: its writer reads it again, and has then read everything that was
 * there before.
 */
export type StreamMessageKind = "facts" | "mark"

/** The message types of both. */
const TYPES = { facts: "event-broker.facts", mark: "event-broker.mark" } as const

const CONTENT_TYPE = "application/x-ndjson"
const PERSISTENT = 2

/** A UUID, which every token is. */
export const TOKEN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const POSITION = /^(\d{1,15}):(\S+)$/

const DECODER = new TextDecoder("utf-8", { fatal: true })

/**
 * A place in the stream, with the token of what is there: offsets start again in a stream that was deleted and declared
 * again.
 */
export interface StreamPosition {
  readonly offset: number
  readonly token: string
}

/** A message of the stream. */
export interface StreamMessage extends StreamPosition {
  readonly kind: StreamMessageKind
  readonly text: string
  /** When it was sent, in milliseconds since the epoch, in whole seconds; 0 if it does not say. */
  readonly sentAt: number
  /** This process wrote it, and has not read it. Default: false. */
  readonly isOwn?: boolean
}

export const streamProperties = (kind: StreamMessageKind, token: string): AMQPProperties => ({
  messageId: token,
  type: TYPES[kind],
  contentType: CONTENT_TYPE,
  deliveryMode: PERSISTENT,
  timestamp: new Date(),
  appId: APP_ID,
})

/** The offset of a delivered message; null if it does not come from a stream. */
export function offsetOf(message: AMQPMessage): number | null {
  const offset = headersOf(message)["x-stream-offset"]
  return typeof offset === "number" ? offset : null
}

/** Reads a message of the stream. Returns null for what another program has put there. */
export function readStreamMessage(message: AMQPMessage): StreamMessage | null {
  const { messageId: token = "", type, timestamp } = message.properties
  const offset = offsetOf(message)
  const kind = type === TYPES.facts ? "facts" : type === TYPES.mark ? "mark" : null
  if (offset === null || kind === null || isForeign(message) || !TOKEN.test(token)) return null
  try {
    const text = DECODER.decode(bytesOf(message))
    return { kind, offset, token, text, sentAt: timestamp?.getTime() ?? 0 }
  } catch {
    // Not UTF-8, so this service has not written it.
    return null
  }
}

/** A message of the stream as a batch of the port. */
export const batchOf = ({ offset, token, text, isOwn = false }: StreamMessage): FactBatch => ({
  token,
  position: `${offset}:${token}`,
  text,
  ...(isOwn && { isOwn }),
})

/** Reads the position of a batch. Returns null for anything else: the stream is then read from its beginning. */
export function parsePosition(text: string | null): StreamPosition | null {
  const [, offset, token] = POSITION.exec(text ?? "") ?? []
  return offset === undefined || token === undefined ? null : { offset: Number(offset), token }
}
