import { connect, type Socket } from "node:net"
import { waitUntil } from "./wait-until.ts"

/**
 * A raw TCP connection that sends what it is given and keeps what it receives: HTTP without a client's rules.
 */
export class RawConnection implements Disposable {
  readonly #socket: Socket
  #received = ""
  #isClosed = false

  constructor(port: number) {
    this.#socket = connect({ host: "127.0.0.1", port })
    this.#socket.setEncoding("utf8")
    this.#socket.on("data", (text: string) => {
      this.#received += text
    })
    this.#socket.on("close", () => {
      this.#isClosed = true
    })
    // A server may reset the connection after its response; the received data is still valid.
    this.#socket.on("error", () => {})
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(text: string): void {
    if (!this.#isClosed) this.#socket.write(text)
  }

  /** Waits for the head of the first response. */
  async head(): Promise<string> {
    await waitUntil(() => this.#received.includes("\r\n\r\n"), "the head of a response")
    return this.#received.slice(0, this.#received.indexOf("\r\n\r\n"))
  }

  /** True if anything has been received. */
  get hasAnswer(): boolean {
    return this.#received.includes("\r\n\r\n")
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
