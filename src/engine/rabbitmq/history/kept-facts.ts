import { type Batch, splitBatch } from "./batch.ts"
import type { LostFacts } from "./unread-facts.ts"

/** Length of the batches that are kept although nobody waits for them, in UTF-16 code units. The oldest are dropped first. */
const MAX_KEPT_LENGTH = 16_777_216

/** Batches that are not confirmed yet, the oldest first. */
export class KeptFacts {
  #batches = new Map<string, Batch>()
  #newest: Batch | null = null
  #facts = 0
  #dropped = 0
  /** Length of those that nobody waits for. */
  #keptLength = 0

  /** How many facts they have. */
  get facts(): number {
    return this.#facts
  }

  get dropped(): number {
    return this.#dropped
  }

  get oldest(): Batch | undefined {
    return this.#batches.values().next().value
  }

  get oldestWaited(): Batch | undefined {
    return this.#batches.values().find(({ isWaitedFor }) => isWaitedFor)
  }

  /** Adds what a batch was split into. */
  add(batch: Batch, parts: readonly Batch[]): void {
    for (const part of parts) {
      this.#facts += part.facts
      if (!part.isWaitedFor) this.#keptLength += part.length
      const last = this.#newest
      if (last !== null && this.#canJoin(last, part))
        for (const { text, facts } of part.lines) last.add(text, facts)
      else {
        this.#batches.set(part.token, part)
        this.#newest = part
      }
    }
    this.#dropped += batch.facts - parts.reduce((sum, { facts }) => sum + facts, 0)
    this.#bound()
  }

  /** Adds what was lost in the stream. */
  addLost({ batches, dropped }: LostFacts): void {
    this.#dropped += dropped
    for (const batch of batches) {
      batch.again()
      this.add(batch, [batch])
    }
  }

  remove(batch: Batch): boolean {
    if (!this.#batches.delete(batch.token)) return false
    this.#facts -= batch.facts
    if (!batch.isWaitedFor) this.#keptLength -= batch.length
    return true
  }

  /** Returns those that were not sent on this channel. */
  unsent(channel: object): readonly Batch[] {
    return [...this.#batches.values()].filter(({ sentOn }) => sentOn !== channel)
  }

  returned(token: string): void {
    const batch = this.#batches.get(token)
    if (batch !== undefined) batch.isReturned = true
  }

  /** Splits those that are larger than RabbitMQ accepts. */
  split(maxBytes: number): void {
    const before = this.#batches
    this.#batches = new Map()
    this.#facts = 0
    this.#keptLength = 0
    for (const batch of before.values()) this.add(batch, splitBatch(batch, maxBytes))
  }

  /** Nobody waits for them any longer. */
  abandon(): void {
    for (const batch of this.#batches.values()) {
      if (!batch.isWaitedFor) continue
      batch.abandon()
      this.#keptLength += batch.length
    }
    this.#bound()
  }

  /** Drops all of them. */
  clear(): void {
    this.abandon()
    for (const batch of this.#batches.values()) this.#drop(batch)
  }

  /** Long outages would otherwise leave many small messages. One that was sent may be stored, with what it had then. */
  #canJoin(last: Batch, next: Batch): boolean {
    const isKept = this.#batches.has(last.token) && last.sentOn === null && !last.isWaitedFor
    // The journal knows those two by their tokens.
    if (last.onForgotten !== null || next.onForgotten !== null) return false
    return (
      isKept && !next.isWaitedFor && last.kind === "facts" && next.kind === "facts" && last.fits(next.length)
    )
  }

  #bound(): void {
    for (const batch of this.#batches.values()) {
      if (this.#keptLength <= MAX_KEPT_LENGTH) return
      if (!batch.isWaitedFor) this.#drop(batch)
    }
  }

  #drop(batch: Batch): void {
    if (!this.remove(batch)) return
    this.#dropped += batch.facts
    batch.forget()
  }
}
