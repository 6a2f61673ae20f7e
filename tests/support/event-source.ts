import { connect, type Socket } from "node:net"
import { waitUntil } from "./wait-until.ts"

export interface SentMessage {
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: the messages are what the test is about.
  readonly data: any
}

const HEAD_END = "\r\n\r\n"

/** A client of server-sent events on a connection of its own. It receives data only while it reads. */
export class EventSource implements Disposable {
  readonly messages: SentMessage[] = []
  readonly #socket: Socket
  #head = ""
  /** The body, including the chunk framing. */
  #framed = Buffer.alloc(0)
  #text = ""
  #hasEnded = false

  private constructor(url: URL, headers: Readonly<Record<string, string>>) {
    this.#socket = connect({ host: url.hostname, port: Number(url.port) })
    this.#socket.on("data", (bytes: Buffer) => this.#receive(bytes))
    this.#socket.on("error", () => {})
    const lines = Object.entries({ Host: url.host, ...headers }).map(
      ([name, value]) => `\r\n${name}: ${value}`,
    )
    this.#socket.write(`GET ${url.pathname}${url.search} HTTP/1.1${lines.join("")}${HEAD_END}`)
  }

  /** Resolves when the request is answered: later events arrive. */
  static async open(address: string, headers: Readonly<Record<string, string>> = {}): Promise<EventSource> {
    const source = new EventSource(new URL(address), headers)
    await waitUntil(() => source.#head !== "", "the stream to begin")
    return source
  }

  get head(): string {
    return this.#head
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** The received events. */
  get events(): readonly SentMessage["data"][] {
    return this.messages.filter(({ event }) => event === "event").map(({ data }) => data)
  }

  /** Number of events reported as missed. */
  get missed(): number {
    return this.messages
      .filter(({ event }) => event === "missed")
      .reduce((sum, { data }) => sum + data.count, 0)
  }

  /** Stops receiving until `read`. */
  pause(): void {
    this.#socket.pause()
  }

  read(): void {
    this.#socket.resume()
  }

  saw(name: string): Promise<void> {
    return waitUntil(() => this.events.some((event) => event.name === name), `the stream to show ${name}`)
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    this.#framed = Buffer.concat([this.#framed, bytes])
    const headEnd = this.#framed.indexOf(HEAD_END)
    if (this.#head === "") {
      if (headEnd < 0) return
      this.#head = this.#framed.subarray(0, headEnd).toString()
      this.#framed = this.#framed.subarray(headEnd + HEAD_END.length)
    }
    this.#text += this.#takeChunks()
    const parts = this.#text.split("\n\n")
    this.#text = parts.pop() ?? ""
    for (const part of parts) this.#add(part)
  }

  /** Takes the complete chunks. Source: RFC 9112, section 7.1. */
  #takeChunks(): string {
    const chunks: Buffer[] = []
    for (;;) {
      const lineEnd = this.#framed.indexOf("\r\n")
      const size = Number.parseInt(this.#framed.subarray(0, lineEnd).toString(), 16)
      const end = lineEnd + 2 + size
      if (lineEnd < 0 || this.#framed.length < end + 2) return Buffer.concat(chunks).toString()
      chunks.push(this.#framed.subarray(lineEnd + 2, end))
      this.#framed = this.#framed.subarray(end + 2)
      if (size === 0) this.#hasEnded = true
    }
  }

  #add(part: string): void {
    const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? []
    if (event !== undefined && data !== undefined) this.messages.push({ event, data: JSON.parse(data) })
  }
}
