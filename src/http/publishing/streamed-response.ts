import type { Bindings } from "../context.ts"
import { responseHeaders } from "../response-headers.ts"

/** How long a client may take nothing of an answer before it ends, in milliseconds. It holds its request for as long. */
const STALL_TIMEOUT_MS = 60_000

/**
 * An answer that is written as it comes: the next text is asked for once the client has taken those before. It may take
 * as long as it likes while the client takes some of it, and the service does not stop before it has ended.
 */
export function streamedResponse(
  texts: AsyncGenerator<string, void>,
  contentType: string,
  { requestId, mayTakeLong, hold }: Pick<Bindings, "requestId" | "mayTakeLong" | "hold">,
  stallTimeoutMs = STALL_TIMEOUT_MS,
): Response {
  const held = whileHeld([mayTakeLong(), hold()], texts)
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
      // Throws for a client that left while the text was made. So no time is measured for it.
      controller.enqueue(encoder.encode(value))
      stalled = setTimeout(() => {
        controller.error(new Error("the client does not take the answer"))
        void held.return()
      }, stallTimeoutMs)
    },
    async cancel() {
      clearTimeout(stalled)
      await held.return()
    },
  })
  return new Response(stream, { headers: responseHeaders(requestId, contentType) })
}

async function* whileHeld(
  held: readonly Disposable[],
  texts: AsyncGenerator<string, void>,
): AsyncGenerator<string, void> {
  using stack = new DisposableStack()
  for (const each of held) stack.use(each)
  yield* texts
}
