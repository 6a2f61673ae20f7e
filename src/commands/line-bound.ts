import { EXIT_USAGE } from "./exit-codes.ts"
import { CommandError } from "./service-client.ts"

/** Longest line that is sent, in bytes. The service refuses far shorter ones, but reads each to its end. */
const MAX_LINE_BYTES = 67_108_864

const NEWLINE = 0x0a

/** Ends an upload of lines whose line has no end, as that of a file without newlines. */
export class LineBound {
  #bytes = 0
  #fault: CommandError | null = null

  /** The reason why the upload was ended, or null. */
  get fault(): CommandError | null {
    return this.#fault
  }

  /** @throws {CommandError} if the current line is too long */
  sent(chunk: Uint8Array): void {
    const end = chunk.lastIndexOf(NEWLINE)
    this.#bytes = end < 0 ? this.#bytes + chunk.length : chunk.length - end - 1
    if (this.#bytes <= MAX_LINE_BYTES) return
    this.#fault = new CommandError(`a line is longer than ${MAX_LINE_BYTES} bytes`, EXIT_USAGE)
    throw this.#fault
  }
}
