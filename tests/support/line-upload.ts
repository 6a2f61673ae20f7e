import { connect, type Socket } from "node:net"
import { waitUntil } from "./wait-until.ts"

// biome-ignore lint/suspicious/noExplicitAny: the answers are what the test is about.
type Answer = any

/** A request whose body continues as long as the test likes while its response is read. */
export class LineUpload implements Disposable {
  readonly #socket: Socket
  #received = ""
  #lineEnds = 0

  constructor(port: number, path: string, headers: Readonly<Record<string, string>> = {}) {
    this.#socket = connect({ host: "127.0.0.1", port })
    this.#socket.setEncoding("utf8")
    this.#socket.on("data", (text: string) => {
      this.#received += text
      this.#lineEnds += text.split("\n").length - 1
    })
    this.#socket.on("error", () => {})
    const own = {
      Host: "service",
      "Content-Type": "application/x-ndjson",
      "Transfer-Encoding": "chunked",
      ...headers,
    }
    const head = Object.entries(own).map(([name, value]) => `${name}: ${value}\r\n`)
    this.#socket.write(`POST ${path} HTTP/1.1\r\n${head.join("")}\r\n`)
  }

  send(text: string): void {
    this.#socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
  }

  /** Stops reading the response until `resume`. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Waits for `count` lines of the response. */
  async answers(count: number): Promise<readonly Answer[]> {
    await waitUntil(
      // Counts first, because searching for lines in a response of megabytes is expensive.
      () => this.#lineEnds >= count && this.#lines().length >= count,
      `${count} lines, not:\n${this.#received.slice(-500)}`,
    )
    return this.#lines().map((line) => JSON.parse(line))
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  /** Complete lines of the body. The lines between them are chunk sizes. */
  #lines(): readonly string[] {
    const body = this.#received.slice(this.#received.indexOf("\r\n\r\n") + 4)
    return body.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"))
  }
}
