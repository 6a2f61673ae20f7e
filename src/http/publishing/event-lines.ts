import { PublishError } from "../../engine/errors.ts"
import { type Backoff, pause, RetryDelays } from "../../event/backoff.ts"
import { Fingerprint } from "../../publisher/deduplication.ts"
import type { Allowance } from "../access/rate-limit.ts"
import type { BodyUpload } from "../body-upload.ts"
import { decodeJson } from "../json.ts"
import type { LoopTurns } from "../loop-turns.ts"
import { ProblemError, toProblem, toProblemError } from "../problem.ts"
import { ENVELOPE, type Publishing, publishAs } from "./event-format.ts"
import type { KeyedRequest } from "./keyed-requests.ts"
import { type Line, LineSplitter } from "./lines.ts"
import { toReceipt } from "./receipt.ts"

/** Most events published at once. They share a commit, and memory holds no more of them. */
const WINDOW_SIZE = 500

/** Bytes of lines after which a window takes no more lines. */
const WINDOW_BYTES = 262_144

/** Bytes of a chunk that are scanned for lines in one piece: at most some milliseconds of work. */
const PIECE_BYTES = 262_144

/** How long lines wait for a full queue, in milliseconds, before their events are rejected. */
const MAX_WAIT_MS = 30_000

/** Backoff between attempts to publish to a full queue. */
const ROOM_BACKOFF: Backoff = { initialMs: 10, factor: 2, maxMs: 500 }

export interface EventLinesOptions extends Publishing {
  readonly requestId: string
  /** The idempotency key of the upload; null if it has none. Disposed of at the end. */
  readonly keyed: KeyedRequest | null
  /** Number of the first line. */
  readonly firstLine: number
  readonly allowance: Allowance | null
  /** The longest line, in bytes. */
  readonly maxLineBytes: number
  readonly turns: LoopTurns
  /** Aborts when the service stops: no more lines are read. */
  readonly signal: AbortSignal
  /** Aborts when the key is revoked: no more lines are published. Null if there is no key. */
  readonly revoked: AbortSignal | null
}

/**
 * Publishes the events of a body, one per line, and reports their results in order. Reads more lines only
 * after the previous ones are answered, so memory use stays flat; while a queue is full or the rate is used
 * up, lines wait. If the body ends early, the last line of the response says why.
 */
export class EventLines {
  readonly #options: EventLinesOptions
  #index = 0
  /** Number of the line from which nothing is answered yet. */
  #line: number

  constructor(options: EventLinesOptions) {
    this.#options = options
    this.#line = options.firstLine
  }

  /** Yields the response lines. Closes the upload at the end. */
  async *answers(upload: BodyUpload): AsyncGenerator<string, void> {
    using _ = upload
    using _keyed = this.#options.keyed
    const { maxLineBytes, firstLine, signal } = this.#options
    const lines = new LineSplitter(maxLineBytes, firstLine)
    try {
      for await (const chunk of upload.chunks()) {
        const before = lines.count
        for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
          yield* this.#publishAll(lines.push(chunk.subarray(at, at + PIECE_BYTES)))
        }
        upload.settle(lines.heldBytes, lines.count > before)
      }
      if (signal.aborted) throw stopping()
      this.#requireKey()
      yield* this.#publishAll(lines.end())
    } catch (error) {
      yield this.#failure(this.#index, this.#line, error)
    }
  }

  async *#publishAll(lines: Iterable<Line>): AsyncGenerator<string, void> {
    const { allowance, signal, turns } = this.#options
    await turns.next()
    for (const window of windowsOf(lines)) {
      if (signal.aborted) return
      this.#requireKey()
      if (allowance !== null) {
        await pause(allowance.debtMs, signal)
        allowance.charge(window.length)
      }
      await turns.next()
      yield await this.#publishWindow(window)
    }
  }

  /** @throws {ProblemError} `unauthorized` if the key of the request is revoked. */
  #requireKey(): void {
    if (!this.#options.revoked?.aborted) return
    throw new ProblemError("unauthorized", "The key was revoked.", NOT_STORED)
  }

  async #publishWindow(window: readonly Line[]): Promise<string> {
    const delays = new RetryDelays(ROOM_BACKOFF)
    const givesUpAt = performance.now() + MAX_WAIT_MS
    const answers: string[] = []
    let left = window.map((line, at) => ({ line, at }))
    for (;;) {
      const results = await Promise.allSettled(left.map(({ line }) => this.#publish(line)))
      const mayWait = performance.now() < givesUpAt && !this.#options.signal.aborted
      left = left.filter(({ line, at }, position) => {
        const result = results[position]
        if (result?.status === "rejected" && mayWait && passesBySelf(result.reason)) return true
        answers[at] =
          result?.status === "fulfilled"
            ? result.value
            : this.#failure(this.#index + at, line.number, this.#reasonOf(result?.reason))
        return false
      })
      if (left.length === 0) break
      await delays.wait(this.#options.signal)
    }
    this.#index += window.length
    this.#line = (window.at(-1)?.number ?? 0) + 1
    return answers.join("")
  }

  /** A line that could wait no longer because the service stops was not refused for its queue. */
  #reasonOf(error: unknown): unknown {
    return this.#options.signal.aborted && passesBySelf(error) ? stopping() : error
  }

  async #publish({ bytes, number }: Line): Promise<string> {
    const { maxLineBytes, keyed } = this.#options
    if (bytes === null) {
      throw new ProblemError(
        "payload-too-large",
        `The line is longer than ${maxLineBytes} bytes.`,
        NOT_STORED,
      )
    }
    const marks = keyed?.ofEvent(number, UPLOAD, fingerprintOf(bytes))
    const event = await publishAs(ENVELOPE, decodeJson(bytes, "The line"), this.#options, marks)
    return toLine(toReceipt(event))
  }

  #failure(index: number, line: number, error: unknown): string {
    return toLine({
      index,
      line,
      status: "failed",
      problem: toProblem(toProblemError(error), this.#options.requestId),
    })
  }
}

/** Groups lines that are published at once. */
function* windowsOf(lines: Iterable<Line>): Generator<readonly Line[], void> {
  let window: Line[] = []
  let bytes = 0
  for (const line of lines) {
    window.push(line)
    bytes += line.bytes?.length ?? 0
    if (window.length < WINDOW_SIZE && bytes < WINDOW_BYTES) continue
    yield window
    window = []
    bytes = 0
  }
  if (window.length > 0) yield window
}

/** The fingerprint of an upload: its body is not known before its end, so each line has its own. */
const UPLOAD = new Fingerprint("lines").end()

function fingerprintOf(line: Uint8Array): string {
  const fingerprint = new Fingerprint("line")
  fingerprint.update(line)
  return fingerprint.end()
}

const stopping = (): ProblemError =>
  new ProblemError("engine-unavailable", "The service is stopping.", NOT_STORED)

const NOT_STORED = { outcome: "not-stored" } as const

const toLine = (answer: unknown): string => `${JSON.stringify(answer)}\n`

/** Returns whether the same publish succeeds when there is room again. */
const passesBySelf = (error: unknown): boolean =>
  error instanceof PublishError &&
  error.outcome === "not-stored" &&
  (error.code === "queue-full" || error.code === "too-many-in-flight")
