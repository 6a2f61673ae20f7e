import type { Exchange } from "../context.ts"
import { responseHeaders } from "../response-headers.ts"

/**
 * How long a client may read nothing before its response is ended, in milliseconds. Until then it occupies
 * its request.
 */
const STALL_TIMEOUT_MS = 60_000

/**
 * Returns a response that is streamed as it is generated: the next text is requested when the client has read
 * the previous ones. It may take any time while the client keeps reading, and the service does not stop
 * before it ends.
 */
export function streamedResponse(
  texts: AsyncGenerator<string, void>,
  contentType: string,
  exchange: Pick<Exchange, "requestId" | "mayTakeLong" | "hold">,
  stallTimeoutMs = STALL_TIMEOUT_MS,
): Response {
  const held = whileHeld([exchange.mayTakeLong(), exchange.hold()], texts)
  const encoder = new TextEncoder()
  let stalled: Timer | undefined
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(stalled)
      const { done, value } = await held.next()
      if (done) {
        controller.close()
        return
      }
      // Throws if the client disconnected meanwhile, so the stall timer starts only after it.
      controller.enqueue(encoder.encode(value))
      stalled = setTimeout(() => {
        controller.error(new Error("the client does not read the response"))
        void held.return()
      }, stallTimeoutMs)
    },
    async cancel() {
      clearTimeout(stalled)
      await held.return()
    },
  })
  return new Response(stream, { headers: responseHeaders(exchange.requestId, contentType) })
}

async function* whileHeld(
  held: readonly Disposable[],
  texts: AsyncGenerator<string, void>,
): AsyncGenerator<string, void> {
  using stack = new DisposableStack()
  for (const each of held) stack.use(each)
  yield* texts
}
