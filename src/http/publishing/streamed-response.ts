import type { Bindings } from "../context.ts"

/**
 * An answer that is written as it comes: the next text is asked for once the client has taken those before. It may take
 * as long as it likes, and the service does not stop before it has ended.
 */
export function streamedResponse(
  texts: AsyncGenerator<string, void>,
  contentType: string,
  { mayTakeLong, hold }: Bindings,
): Response {
  mayTakeLong()
  const held = whileHeld(hold(), texts)
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
  return new Response(stream, { headers: { "Content-Type": contentType } })
}

async function* whileHeld(
  held: Disposable,
  texts: AsyncGenerator<string, void>,
): AsyncGenerator<string, void> {
  using _ = held
  yield* texts
}
