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
export class LineUpload {
  /** The body of the request. */
  readonly body: ReadableStream<Uint8Array>
  readonly #file: string
  readonly #chunks: AsyncIterator<Uint8Array, unknown>
  readonly #observers: Observers
  readonly #lines = new UploadedLines()
  #fault: CommandError | null = null

  constructor(file: string, { stream }: Pick<Input, "stream">, observers: Observers) {
    this.#file = file
    this.#chunks = stream[Symbol.asyncIterator]()
    this.#observers = observers
    this.body = new ReadableStream({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#close(),
    })
  }

  /** The reason why the upload ended early; null if it did not. */
  get fault(): CommandError | null {
    return this.#fault
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { progress, stall } = this.#observers
    const chunk = await this.#next()
    if (this.#fault !== null) return controller.error(this.#fault)
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
      const { done, value } = await this.#chunks.next()
      return done ? null : value
    } catch (error) {
      this.#fault = unreadable(this.#file, error)
      return null
    }
  }

  async #close(): Promise<void> {
    await this.#chunks.return?.()
  }
}
