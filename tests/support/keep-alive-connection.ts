import { connect, type Socket } from "node:net"
import { waitUntil } from "./wait-until.ts"

const END_OF_HEAD = "\r\n\r\n"

/** One connection for sequential requests. */
export class KeepAliveConnection implements Disposable {
  readonly #socket: Socket
  #received = ""
  #isClosed = false

  constructor(port: number) {
    this.#socket = connect({ host: "127.0.0.1", port })
    this.#socket.setEncoding("latin1")
    this.#socket.on("data", (text: string) => {
      this.#received += text
    })
    this.#socket.on("close", () => {
      this.#isClosed = true
    })
    this.#socket.on("error", () => {})
  }

  async ask(
    method: string,
    path: string,
    body = "",
  ): Promise<{ readonly status: number; readonly text: string }> {
    this.#received = ""
    const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
    this.#socket.write(`${head}\r\n\r\n${body}`)
    await waitUntil(() => this.#isClosed || this.#response() !== null, `the answer to ${method} ${path}`)
    const response = this.#response()
    if (response === null) throw new Error("the connection was closed")
    return response
  }

  #response(): { readonly status: number; readonly text: string } | null {
    const [head = "", text] = this.#received.split(END_OF_HEAD, 2)
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1])
    return text === undefined || text.length < length ? null : { status: Number(head.split(" ")[1]), text }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
