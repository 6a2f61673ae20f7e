import type { ReadableStreamDefaultReader } from "node:stream/web"
import { type Input, unreadable, usage } from "./input.ts"
import type { ProgressLine } from "./progress-line.ts"
import type { CommandError } from "./service-client.ts"
import type { StallNotice } from "./stall-notice.ts"
import { UploadedLines } from "./uploaded-lines.ts"

/** Longest line that is sent, in bytes. The service refuses far shorter ones, but reads each to its end. */
const MAX_LINE_BYTES = 67_108_864

interface Observers {
  readonly progress: ProgressLine
  readonly stall: StallNotice
}

/** The lines of an input on their way to the service. Ends at a line that has no end, as that of a file without newlines. */
export class LineUpload implements AsyncDisposable {
  /** The body of the request. */
  readonly body: ReadableStream<Uint8Array>
  readonly #file: string
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #observers: Observers
  readonly #lines = new UploadedLines()
  #fault: CommandError | null = null
  #isClosed = false

  constructor(file: string, { stream }: Pick<Input, "stream">, observers: Observers) {
    this.#file = file
    this.#reader = stream.getReader()
    this.#observers = observers
    this.body = new ReadableStream({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#close(),
    })
  }

  /** True if at least one line was sent. */
  get hasSent(): boolean {
    return this.#lines.hasSent
  }

  /** Number of the first line without an answer, from 1. */
  get firstUnanswered(): number {
    return this.#lines.firstUnanswered
  }

  /** True if the input was sent to its end and each line has an answer. */
  get areAllAnswered(): boolean {
    return this.#lines.areAllAnswered
  }

  /** The reason why the upload ended early; null if it did not. */
  get fault(): CommandError | null {
    return this.#fault
  }

  /** Follows the answer to the next line. */
  answered(): void {
    this.#lines.answered()
    this.#observers.progress.answered(this.#lines.answeredPart)
    this.#observers.stall.answered()
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { progress, stall } = this.#observers
    const chunk = await this.#next()
    if (this.#fault !== null) return controller.error(this.#fault)
    // The reader has then ended, and the input has not.
    if (this.#isClosed) return
    if (chunk === null) {
      stall.sent(this.#lines.end())
      return controller.close()
    }
    progress.sent(chunk.length)
    stall.sent(this.#lines.add(chunk))
    if (this.#lines.currentBytes > MAX_LINE_BYTES) {
      this.#fault = usage(`a line is longer than ${MAX_LINE_BYTES} bytes`)
      controller.error(this.#fault)
      await this.#close()
    } else controller.enqueue(chunk)
  }

  /** Reads the next chunk; null at the end, and if there is a fault. */
  async #next(): Promise<Uint8Array | null> {
    try {
      const { done, value } = await this.#reader.read()
      return done ? null : value
    } catch (error) {
      this.#fault = unreadable(this.#file, error)
      return null
    }
  }

  /** Stops reading the input. Otherwise a command would not end before its input does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    // A reader that has failed rejects with its error again, which is the fault already.
    await this.#reader.cancel().catch(() => {})
  }
}
