import { expect, test } from "bun:test"
import { RunningEvents } from "../../src/workers/running-events.ts"
import { newAttempt } from "../support/job-request.ts"

const QUEUE = "custom_events"

test("events with one id are counted one by one", () => {
  const running = new RunningEvents()
  const [first, second] = [newAttempt({ eventId: "same" }), newAttempt({ eventId: "same" })]
  running.begin(QUEUE, [first, second])
  expect(running.of(QUEUE)).toBe(2)
  running.end(QUEUE, [first])
  expect(running.of(QUEUE)).toBe(1)
  expect(running.since(QUEUE, "same")).toBeNumber()
  running.end(QUEUE, [second])
  expect(running.of(QUEUE)).toBe(0)
  expect(running.since(QUEUE, "same")).toBeNull()
})

test("an event whose delivery is lost is no longer counted, because it is in the queue again", () => {
  const running = new RunningEvents()
  let isLost = false
  running.begin(QUEUE, [newAttempt({ isLost: () => isLost }), newAttempt()])
  expect(running.of(QUEUE)).toBe(2)
  isLost = true
  expect(running.of(QUEUE)).toBe(1)
  expect(running.of("other")).toBe(0)
})
