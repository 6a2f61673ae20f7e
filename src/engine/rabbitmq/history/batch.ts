import { type AttemptFact, engineLine, factLine, type PublishedLine } from "../../../event/history-fact.ts"
import { HandledRuns } from "../../handled-runs.ts"
import { isObject } from "../wire/decode.ts"
import { EncodedLines, LINE_BREAK_LENGTH, lengthOf } from "./encoded-lines.ts"
import type { StreamMessageKind } from "./stream-message.ts"

/** Length of the facts that go out as one message, in UTF-16 code units. A single fact may be longer. */
const MAX_LENGTH = 262_144

/** A writer of batches: the last twelve digits of the tokens of its batches. Another program can make tokens that look so. */
export type WriterId = string

export const newWriterId = (): WriterId => Bun.randomUUIDv7().slice(-12)

/** Length of a handled run in its line beside the id, about. */
const RUN_LENGTH = 64

const LINE_BREAK = "\n"

/** A line of JSON. */
interface Line {
  readonly text: string
  /** How many facts it tells. */
  readonly facts: number
}

export interface BatchOptions {
  /** Default: a new one. */
  readonly token?: string
  /** How long its text will be, about, in bytes. */
  readonly size?: number
}

/** Facts that are stored together, as one message of the stream, or a mark without facts. */
export class Batch {
  readonly kind: StreamMessageKind
  readonly writer: WriterId
  readonly token: string
  readonly #lines: EncodedLines
  /** How many facts each line tells. */
  readonly #counts: number[] = []
  readonly #handled = new HandledRuns()
  /** Length of the runs that are in no line yet, about: their line is not written. */
  #runsLength = 0
  /** Resolves with true once the batch is stored, and with false once nobody should wait for that any more. */
  readonly waited = Promise.withResolvers<boolean>()
  /** When it began, in milliseconds since the epoch. */
  readonly at = Date.now()
  /** When it began, in ticks of its writer. */
  readonly beganAt: number
  /** Length of the lines, and about that of the runs that are in none yet. */
  #length = 0
  /** How many facts it has. */
  facts = 0
  isWaitedFor = true
  /** Somebody waits until RabbitMQ has it. */
  isUrgent = false
  /** How many of its lines outlive this process. */
  keptLines = 0
  /** Some of its lines do only once RabbitMQ has them. */
  hasUnkeptLines = false
  /** Called once when it is stored or given up; null if nobody has to know. */
  onForgotten: (() => void) | null = null
  /** It was stored or given up once. */
  isForgotten = false
  isStored = false
  /** The channel that it was last sent on; null before. Answers on other channels are ignored. */
  sentOn: object | null = null
  /** RabbitMQ returned it: there is no stream. */
  isReturned = false

  constructor(
    kind: StreamMessageKind,
    writer: WriterId,
    beganAt: number,
    { token, size = 0 }: BatchOptions = {},
  ) {
    this.kind = kind
    this.writer = writer
    this.token = token ?? Bun.randomUUIDv7().slice(0, -writer.length) + writer
    this.beganAt = beganAt
    this.#lines = new EncodedLines(size)
  }

  /** How many lines it has, without runs that are in none yet. */
  get lineCount(): number {
    return this.#counts.length
  }

  get lines(): readonly Line[] {
    if (this.length === 0) return []
    return this.text.split(LINE_BREAK).map((text, index) => ({ text, facts: this.#counts[index] ?? 0 }))
  }

  /** In UTF-16 code units, and in bytes of the events. */
  get length(): number {
    this.#endRuns()
    return this.#length
  }

  /** @param facts how many the line tells */
  add(line: string | PublishedLine, facts = 1): void {
    this.#endRuns()
    this.facts += facts
    this.#push(line, facts)
  }

  /** Adds the fact of a run. Runs that say no more than that they were handled share a line. */
  addRun(fact: AttemptFact): void {
    this.facts++
    // Runs of one turn are those of different deliveries, so their order among each other tells nothing.
    if (!this.#handled.add(fact)) {
      this.#push(factLine(fact), 1)
      return
    }
    const length = fact.id.length + RUN_LENGTH
    this.#runsLength += length
    this.#length += length
  }

  /** Returns whether there is room for so much more. */
  fits(length: number): boolean {
    return this.#length + length <= MAX_LENGTH
  }

  get text(): string {
    return this.bytes.toString()
  }

  /** Its text in UTF-8. */
  get bytes(): Buffer {
    this.#endRuns()
    return this.#lines.all
  }

  /** Takes the lines that were added since the last call, in UTF-8, without runs that are in no line yet. */
  takeNew(): Buffer {
    return this.#lines.takeNew()
  }

  #push(line: string | PublishedLine, facts: number): void {
    this.#lines.add(line)
    this.#counts.push(facts)
    this.#length += lengthOf(line) + LINE_BREAK_LENGTH
  }

  #endRuns(): void {
    if (this.#handled.isEmpty) return
    this.#length -= this.#runsLength
    this.#runsLength = 0
    for (const fact of this.#handled.take()) this.#push(engineLine(fact), fact.runs.length)
  }

  stored(): void {
    this.isStored = true
    this.waited.resolve(true)
    this.forget()
  }

  /** It is stored, or nobody will store it. */
  forget(): void {
    this.isForgotten = true
    this.onForgotten?.()
    this.onForgotten = null
  }

  /** It has to be stored once more, and nobody waits for that. */
  again(): void {
    this.isStored = false
    this.isWaitedFor = false
    this.sentOn = null
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
  if (batch.bytes.length <= maxBytes) return [batch]
  // A part has a token of its own: found in the journal, it would be stored twice.
  batch.forget()
  const parts: Batch[] = []
  let bytes = 0
  for (const { text: whole, facts } of batch.lines) {
    const line = Buffer.byteLength(whole) <= maxBytes ? whole : withoutEvent(whole)
    const size = Buffer.byteLength(line) + LINE_BREAK_LENGTH
    if (size - LINE_BREAK_LENGTH > maxBytes) continue
    const last = parts.at(-1)
    const isFull = last === undefined || bytes + size - LINE_BREAK_LENGTH > maxBytes
    const part = isFull ? new Batch(batch.kind, batch.writer, batch.beganAt) : last
    if (isFull) parts.push(part)
    bytes = isFull ? size : bytes + size
    part.add(line, facts)
  }
  const isWhole = parts.reduce((sum, { facts }) => sum + facts, 0) === batch.facts
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
