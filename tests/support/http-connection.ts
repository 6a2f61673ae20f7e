import { connect, type Socket } from "node:net"
import { type Answer, readAnswers } from "./http-answer.ts"

interface Attempt {
  readonly isHead: boolean
  readonly resolve: (answer: Answer | null) => void
}

/** Sends raw requests sequentially on a persistent connection, and reconnects when necessary. */
export class HttpConnection implements Disposable {
  readonly #port: number
  #socket: Socket | null = null
  #received = ""
  #attempt: Attempt | null = null

  constructor(port: number) {
    this.#port = port
  }

  /** Resolves with the response; null if the server closes the connection without one. */
  ask(request: string): Promise<Answer | null> {
    this.#socket ??= this.#open()
    this.#received = ""
    return new Promise((resolve) => {
      this.#attempt = { isHead: request.startsWith("HEAD "), resolve }
      this.#socket?.write(request, "latin1")
    })
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy()
  }

  #open(): Socket {
    const socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true })
    socket.setEncoding("latin1")
    socket.on("data", (text: string) => {
      this.#received += text
      const [answer] = readAnswers(this.#received, { isHead: this.#attempt?.isHead ?? false })
      if (answer === undefined) return
      const isStream = answer.headers.has("transfer-encoding")
      if (isStream || answer.headers.get("connection") === "close") this.#leave(socket)
      this.#settle(answer)
    })
    socket.on("close", () => {
      if (this.#socket !== socket) return
      this.#socket = null
      this.#settle(null)
    })
    // A server that refuses a request may reset the connection.
    socket.on("error", () => {})
    return socket
  }

  #leave(socket: Socket): void {
    this.#socket = null
    socket.destroy()
  }

  #settle(answer: Answer | null): void {
    const attempt = this.#attempt
    this.#attempt = null
    attempt?.resolve(answer)
  }
}
