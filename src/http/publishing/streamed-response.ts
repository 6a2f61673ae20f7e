import type { Bindings } from "../context.ts"
import { responseHeaders } from "../response-headers.ts"

/**
 * An answer that is written as it comes: the next text is asked for once the client has taken those before. It may take
 * as long as it likes, and the service does not stop before it has ended.
 */
export function streamedResponse(
  texts: AsyncGenerator<string, void>,
  contentType: string,
  { requestId, mayTakeLong, hold }: Bindings,
): Response {
  const held = whileHeld([mayTakeLong(), hold()], texts)
  const encoder = new TextEncoder()
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await held.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    async cancel() {
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
