import type { AMQPProperties } from "@cloudamqp/amqp-client"
import { dateAt, type EncodedField, fieldsOf, readTable, tableAt, tableOf } from "./field-table.ts"

/** The flags of a content header, in the order of its properties. Source: AMQP 0-9-1, section 4.2.6.1. */
const FLAGS = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  correlationId: 0x0400,
  replyTo: 0x0200,
  expiration: 0x0100,
  messageId: 0x0080,
  timestamp: 0x0040,
  type: 0x0020,
  userId: 0x0010,
  appId: 0x0008,
} as const

const NO_FIELDS = new Uint8Array()

export type ChangedProperties = Pick<AMQPProperties, "contentType" | "messageId" | "priority" | "timestamp">

/**
 * The properties of a received message. Reading never fails: unreadable properties are absent. They are only declared,
 * because to define twelve fields for each message takes longer than to set the usual six.
 */
export class WireProperties implements AMQPProperties {
  declare contentType?: string
  declare contentEncoding?: string
  declare deliveryMode?: number
  declare priority?: number
  declare correlationId?: string
  declare replyTo?: string
  declare expiration?: string
  declare messageId?: string
  declare timestamp?: Date
  declare type?: string
  declare userId?: string
  declare appId?: string
  #table: Uint8Array<ArrayBuffer> = NO_FIELDS
  #headers: Readonly<Record<string, unknown>> | null = null

  /** Decodes a content header, starting at its flags. */
  static decode(bytes: Buffer): WireProperties {
    const properties = new WireProperties()
    try {
      properties.#read(bytes)
    } catch (error) {
      // A truncated header has the properties before the cut.
      if (!(error instanceof RangeError)) throw error
    }
    return properties
  }

  /** The headers as JavaScript values, which may be less exact than what was sent. */
  get headers(): Record<string, object> {
    this.#headers ??= readTable(this.#table)
    // The library's type of a field allows any value.
    return this.#headers as Record<string, object>
  }

  /** Returns the headers as they were sent. */
  encodedHeaders(): Iterable<readonly [name: string, field: EncodedField]> {
    return fieldsOf(this.#table)
  }

  /** Returns these properties with some of them changed, and with other headers if they are given. */
  with(
    changes: ChangedProperties,
    headers: Iterable<readonly [name: string, field: EncodedField]> | null,
  ): WireProperties {
    const changed = Object.assign(new WireProperties(), this, changes)
    changed.#table = headers === null ? this.#table : tableOf(headers)
    return changed
  }

  #read(bytes: Buffer): void {
    const flags = bytes.readUInt16BE(0)
    let at = 2
    const has = (name: keyof typeof FLAGS): boolean => (flags & FLAGS[name]) !== 0
    const skip = (length: number): number => {
      if (at + length > bytes.length) throw new RangeError("the content header is truncated")
      at += length
      return at - length
    }
    const octet = (): number => bytes.readUInt8(at++)
    const text = (): string => {
      const from = skip(octet())
      return bytes.toString("utf8", from, at)
    }
    if (has("contentType")) this.contentType = text()
    if (has("contentEncoding")) this.contentEncoding = text()
    if (has("headers")) {
      const from = skip(bytes.readUInt32BE(skip(4)))
      this.#headers = tableAt(bytes, from, at)
      // A copy, because the bytes belong to the socket.
      this.#table = new Uint8Array(at - from)
      bytes.copy(this.#table, 0, from, at)
    }
    if (has("deliveryMode")) this.deliveryMode = octet()
    if (has("priority")) this.priority = octet()
    if (has("correlationId")) this.correlationId = text()
    if (has("replyTo")) this.replyTo = text()
    if (has("expiration")) this.expiration = text()
    if (has("messageId")) this.messageId = text()
    if (has("timestamp")) {
      const date = dateAt(bytes, skip(8))
      if (date !== undefined) this.timestamp = date
    }
    if (has("type")) this.type = text()
    if (has("userId")) this.userId = text()
    if (has("appId")) this.appId = text()
  }
}
