import type { LiveClient } from "../../live/audience.ts"
import { responseHeaders } from "../response-headers.ts"

/** Bytes that wait for a client before it misses what comes. */
const BUFFER_BYTES = 262_144

/** How often a client hears that the connection lives, in milliseconds: proxies end one that is silent for a minute. */
const HEARTBEAT_MS = 15_000

const HEARTBEAT = ": heartbeat\n\n"

const headersOf = (requestId: string) => ({
  ...responseHeaders(requestId, "text/event-stream"),
  // nginx would collect what is meant to be seen at once.
  "X-Accel-Buffering": "no",
})

/** Answers HEAD of a stream: its headers, without beginning one. */
export const streamHead = (requestId: string): Response =>
  // Without a transfer coding Bun would say that the stream's length is 0.
  new Response(null, { headers: { ...headersOf(requestId), "Transfer-Encoding": "chunked" } })

/** Server-sent events to one client. What it has no room for is counted, and told once it has. */
export class EventStream implements LiveClient {
  readonly #ending: AbortSignal
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  /** Null where nobody knows how many. */
  #missed: number | null = 0

  /** @param ending aborted when the stream has to end: the service stops, or the client's key is revoked */
  constructor(ending: AbortSignal) {
    this.#ending = ending
  }

  send(text: Uint8Array, count: number): void {
    if (this.#hasRoom()) this.#controller?.enqueue(text)
    else this.miss(count)
  }

  miss(count: number | null): void {
    this.#missed = count === null || this.#missed === null ? null : this.#missed + count
  }

  /** @param leave called once the client is gone, or the stream has to end */
  response(requestId: string, leave: () => void): Response {
    const encoder = new TextEncoder()
    const heartbeat = setInterval(() => {
      if (this.#hasRoom()) this.#controller?.enqueue(encoder.encode(HEARTBEAT))
    }, HEARTBEAT_MS)
    const end = (): void => {
      clearInterval(heartbeat)
      this.#ending.removeEventListener("abort", stop)
      this.#controller = null
      leave()
    }
    const stop = (): void => {
      this.#controller?.close()
      end()
    }
    this.#ending.addEventListener("abort", stop)
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
          controller.enqueue(encoder.encode(HEARTBEAT))
        },
        cancel: end,
      },
      new ByteLengthQueuingStrategy({ highWaterMark: BUFFER_BYTES }),
    )
    // An abort before the listener was there is not told again.
    if (this.#ending.aborted) stop()
    return new Response(stream, { headers: headersOf(requestId) })
  }

  /** Where it has, it is told first of what it has missed. */
  #hasRoom(): boolean {
    if ((this.#controller?.desiredSize ?? 0) <= 0) return false
    if (this.#missed === 0) return true
    const told = `event: missed\ndata: ${JSON.stringify({ count: this.#missed })}\n\n`
    this.#missed = 0
    this.#controller?.enqueue(new TextEncoder().encode(told))
    return true
  }
}
