import { RetryDelays } from "../event/backoff.ts"
import type { WriteSome } from "./standard-output.ts"

/**
 * Limit on lines that wait for a reader, in bytes; further lines are dropped. 4 MiB hold half a second of a log with 30,000
 * lines a second, for a reader that pauses for a moment, and are too little memory for a service to miss.
 */
export const MAX_WAITING_BYTES = 4 * 1024 * 1024

/** After lines were dropped, lines are taken again once this much has been read, so that gaps are few and long. */
const RESUME_BYTES = MAX_WAITING_BYTES / 2

/** Largest write, in bytes: the capacity of a pipe. */
const CHUNK_BYTES = 64 * 1024

/** Waits before a write is tried again. They start short, because readers are late far more often than gone. */
const RETRY_BACKOFF = { initialMs: 1, factor: 2, maxMs: 250 } as const

/** How long an exit waits for a reader that takes nothing, and for a slow one, in milliseconds. */
const EXIT_IDLE_MS = 100
const EXIT_TOTAL_MS = 500

/** Time between two writes while the process ends, in milliseconds. */
const EXIT_POLL_MS = 1

/**
 * Writes lines without ever waiting for a reader. While somebody reads, a line is written before `write` returns.
 * Otherwise it waits here, up to `MAX_WAITING_BYTES`.
 */
export class LogOutput {
  readonly #writeSome: WriteSome
  readonly #onGapEnd: (dropped: number) => void
  readonly #delays = new RetryDelays(RETRY_BACKOFF)
  /** The rest of a chunk that was written in part. */
  #rest: Uint8Array = new Uint8Array(0)
  #lines: string[] = []
  #lineBytes = 0
  /** Bytes added since the last attempt to write. */
  #untriedBytes = 0
  #dropped = 0
  /** Lines dropped since the last line that was taken. */
  #gap = 0
  #timer: Timer | undefined

  /** @param onGapEnd called when lines are taken again, in place of the dropped ones; it can write a line */
  constructor(writeSome: WriteSome, onGapEnd: (dropped: number) => void) {
    this.#writeSome = writeSome
    this.#onGapEnd = onGapEnd
  }

  /** Lines dropped since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /** @param text one or more whole lines, safe to show on a terminal */
  write(text: string): void {
    const bytes = Buffer.from(text)
    if (this.#waitingBytes > 0) this.#flushSometimes(bytes.length)
    if (this.#waitingBytes === 0) this.#endGap()
    if (this.#waitingBytes > 0 || bytes.length > MAX_WAITING_BYTES) this.#enqueue(text, bytes.length)
    else if (!this.#send(bytes)) this.#tryLater()
  }

  /** Writes the waiting lines while somebody reads them, for at most half a second. For a process that ends. */
  drain(): void {
    const endsAt = performance.now() + EXIT_TOTAL_MS
    let idleAt = performance.now() + EXIT_IDLE_MS
    for (;;) {
      const before = this.#waitingBytes
      this.#flush()
      const now = performance.now()
      if (this.#waitingBytes < before) idleAt = now + EXIT_IDLE_MS
      if (this.#waitingBytes === 0 || now > Math.min(idleAt, endsAt)) return
      Bun.sleepSync(EXIT_POLL_MS)
    }
  }

  get #waitingBytes(): number {
    return this.#rest.length + this.#lineBytes
  }

  #enqueue(text: string, bytes: number): void {
    const limit = this.#gap > 0 ? RESUME_BYTES : MAX_WAITING_BYTES
    if (this.#waitingBytes + bytes > limit) {
      this.#gap++
      this.#dropped++
      return
    }
    this.#endGap()
    this.#lines.push(text)
    this.#lineBytes += bytes
  }

  #endGap(): void {
    const dropped = this.#gap
    this.#gap = 0
    if (dropped > 0) this.#onGapEnd(dropped)
  }

  /** Writes during a burst within one turn of the event loop, while no timer can fire. */
  #flushSometimes(newBytes: number): void {
    this.#untriedBytes += newBytes
    if (this.#untriedBytes >= CHUNK_BYTES) this.#flush()
  }

  #flush(): void {
    this.#untriedBytes = 0
    while (this.#waitingBytes > 0) {
      if (!this.#send(this.#rest.length > 0 ? this.#rest : this.#nextChunk())) return
    }
    this.#endGap()
  }

  /** @returns true if all bytes were taken; otherwise the rest is kept */
  #send(bytes: Uint8Array): boolean {
    const taken = this.#writeSome(bytes)
    if (taken > 0) this.#delays.reset()
    this.#rest = bytes.subarray(taken)
    return this.#rest.length === 0
  }

  #nextChunk(): Uint8Array {
    let bytes = 0
    let count = 0
    while (count < this.#lines.length && bytes < CHUNK_BYTES) bytes += this.#lines[count++]?.length ?? 0
    const chunk = Buffer.from(this.#lines.slice(0, count).join(""))
    this.#lines = this.#lines.slice(count)
    this.#lineBytes -= chunk.length
    return chunk
  }

  /** The timer does not keep the process alive: its exit drains. */
  #tryLater(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#flush()
      if (this.#waitingBytes > 0) this.#tryLater()
    }, this.#delays.next())
    this.#timer.unref()
  }
}
