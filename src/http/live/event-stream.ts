import type { LiveClient } from "../../live/audience.ts"
import { responseHeaders } from "../response-headers.ts"

/** Bytes buffered for a client. When the buffer is full, the client misses events. */
const BUFFER_BYTES = 262_144

/** Interval between heartbeats, in milliseconds: proxies close a connection that is silent for a minute. */
const HEARTBEAT_MS = 15_000

const HEARTBEAT = ": heartbeat\n\n"

const headersOf = (requestId: string) => ({
  ...responseHeaders(requestId, "text/event-stream"),
  // Otherwise nginx would buffer the stream.
  "X-Accel-Buffering": "no",
})

/** Answers HEAD of a stream with its headers, without starting a stream. */
export const streamHead = (requestId: string): Response =>
  // Without a transfer coding Bun would send a Content-Length of 0.
  new Response(null, { headers: { ...headersOf(requestId), "Transfer-Encoding": "chunked" } })

/**
 * Server-sent events to one client. Counts the events that don't fit its buffer, and reports the number when
 * there is room again.
 */
export class EventStream implements LiveClient {
  readonly #ending: AbortSignal
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  /** Null if the number is unknown. */
  #missed: number | null = 0

  /** @param ending aborts when the stream has to end: the service stops, or the client's key is revoked */
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

  /** @param leave called when the client disconnects or the stream has to end */
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
    // A listener is not called for an abort that happened before it was added.
    if (this.#ending.aborted) stop()
    return new Response(stream, { headers: headersOf(requestId) })
  }

  /** Returns whether the buffer has room. If so, first sends the number of missed events. */
  #hasRoom(): boolean {
    if ((this.#controller?.desiredSize ?? 0) <= 0) return false
    if (this.#missed === 0) return true
    const told = `event: missed\ndata: ${JSON.stringify({ count: this.#missed })}\n\n`
    this.#missed = 0
    this.#controller?.enqueue(new TextEncoder().encode(told))
    return true
  }
}
