import { expect, test } from "bun:test"
import { BodyLimits } from "../../src/http/body-limits.ts"
import { RequestBody } from "../../src/http/request-body.ts"

/** Longer than pieces of work may run in one turn of the event loop, in milliseconds. */
const WHOLE_TURN_MS = 20

test("a large body is not read further in a turn of the event loop whose time is used up", async () => {
  const limits = new BodyLimits({ timeoutMs: 10_000, bufferedBytes: 1_000_000 })
  let sent = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent++ < 3) controller.enqueue(new Uint8Array(1_000))
      else controller.close()
    },
  })
  const request = new Request("http://service/", { method: "POST", body: stream })
  using body = new RequestBody(request, limits, () => "the test")
  const chunks = body.chunks(10_000)
  expect((await chunks.next()).value?.length).toBe(1_000)
  let hasTurned = false
  setImmediate(() => {
    hasTurned = true
  })
  expect(limits.turns.next()).toBeNull()
  const begunAt = performance.now()
  while (performance.now() - begunAt < WHOLE_TURN_MS);
  expect((await chunks.next()).value?.length).toBe(1_000)
  expect(hasTurned).toBe(true)
})
