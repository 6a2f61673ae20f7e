import { closeSync, constants, openSync, readSync } from "node:fs"
import { join } from "node:path"

const CHUNK_BYTES = 64 * 1024

/** A pipe that is read only when, and as much as, the test says. */
export class NamedPipe implements Disposable {
  readonly path: string
  /** The end to write to, for example as a process's standard output. */
  readonly writer: number
  readonly #reader: number
  #text = ""

  constructor(folder: string) {
    this.path = join(folder, "log.pipe")
    const { exitCode, stderr } = Bun.spawnSync(["mkfifo", this.path])
    if (exitCode !== 0) throw new Error(`mkfifo: ${stderr}`)
    this.#reader = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK)
    this.writer = openSync(this.path, constants.O_WRONLY)
  }

  /** Reads what is in the pipe now. Returns all complete lines read so far. */
  readLines(): readonly string[] {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    try {
      for (let bytes = -1; bytes !== 0; ) {
        bytes = readSync(this.#reader, chunk)
        this.#text += chunk.toString("latin1", 0, bytes)
      }
    } catch {
      // EAGAIN: the pipe is empty now.
    }
    return Buffer.from(this.#text, "latin1").toString().split("\n").slice(0, -1)
  }

  /** Closes both ends here, so that later writers get EPIPE. */
  [Symbol.dispose](): void {
    closeSync(this.#reader)
    closeSync(this.writer)
  }
}
