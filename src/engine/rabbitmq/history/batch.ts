import { isObject } from "../wire/decode.ts"
import type { StreamMessageKind } from "./stream-message.ts"

/** Separates facts. JSON contains no line break. */
const LINE_BREAK = "\n"

/** Length of the facts that go out as one message, in UTF-16 code units. A single fact may be longer. */
const MAX_LENGTH = 262_144

/** A writer of batches: the last twelve digits of the tokens of its batches. Another program can make tokens that look so. */
export type WriterId = string

export const newWriterId = (): WriterId => Bun.randomUUIDv7().slice(-12)

/** Facts that are stored together, as one message of the stream, or a mark without facts. */
export class Batch {
  readonly kind: StreamMessageKind
  readonly writer: WriterId
  readonly token: string
  readonly lines: string[] = []
  /** Resolves with true once the batch is stored, and with false once nobody should wait for that any more. */
  readonly waited = Promise.withResolvers<boolean>()
  /** When it began, in milliseconds since the epoch. */
  readonly at = Date.now()
  /** When it began, in ticks of its writer. */
  readonly beganAt: number
  /** In UTF-16 code units. */
  length = 0
  isWaitedFor = true
  isStored = false
  /** The channel that it was last sent on; null before. Answers on other channels are ignored. */
  sentOn: object | null = null
  /** RabbitMQ returned it: there is no stream. */
  isReturned = false

  constructor(kind: StreamMessageKind, writer: WriterId, beganAt: number) {
    this.kind = kind
    this.writer = writer
    this.token = Bun.randomUUIDv7().slice(0, -writer.length) + writer
    this.beganAt = beganAt
  }

  add(line: string): void {
    this.lines.push(line)
    this.length += line.length + LINE_BREAK.length
  }

  /** Returns whether there is room for so much more. */
  fits(length: number): boolean {
    return this.length + length <= MAX_LENGTH
  }

  get body(): string {
    return this.lines.join(LINE_BREAK)
  }

  stored(): void {
    this.isStored = true
    this.waited.resolve(true)
  }

  /** Lets those who wait go on. */
  abandon(): void {
    this.isWaitedFor = false
    this.waited.resolve(false)
  }
}

/**
 * Splits a batch that is larger than RabbitMQ accepts. A fact that is too large alone loses what is in its event; one that
 * is too large even then is left out.
 * @param maxBytes RabbitMQ's maximum message size
 */
export function splitBatch(batch: Batch, maxBytes: number): readonly Batch[] {
  if (Buffer.byteLength(batch.body) <= maxBytes) return [batch]
  const parts: Batch[] = []
  let bytes = 0
  for (const whole of batch.lines) {
    const line = Buffer.byteLength(whole) <= maxBytes ? whole : withoutEvent(whole)
    const size = Buffer.byteLength(line) + LINE_BREAK.length
    if (size - LINE_BREAK.length > maxBytes) continue
    const last = parts.at(-1)
    const isFull = last === undefined || bytes + size - LINE_BREAK.length > maxBytes
    const part = isFull ? new Batch(batch.kind, batch.writer, batch.beganAt) : last
    if (isFull) parts.push(part)
    bytes = isFull ? size : bytes + size
    part.add(line)
  }
  const isWhole = parts.reduce((sum, { lines }) => sum + lines.length, 0) === batch.lines.length
  void Promise.all(parts.map(({ waited }) => waited.promise)).then((stored) =>
    batch.waited.resolve(isWhole && stored.every(Boolean)),
  )
  for (const part of parts) if (!batch.isWaitedFor) part.abandon()
  return parts
}

/** A fact without the content of its event. The id of a published event is nowhere else, so its other fields stay. */
function withoutEvent(line: string): string {
  const fact: unknown = JSON.parse(line)
  if (!isObject(fact)) return line
  const { event, ...rest } = fact
  if (fact["fact"] !== "published" || !isObject(event)) return JSON.stringify(rest)
  return JSON.stringify({ ...rest, is_cut: true, event: { ...event, payload: {}, metadata: {} } })
}
