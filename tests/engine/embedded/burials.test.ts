import { expect, test } from "bun:test"
import { Burials } from "../../../src/engine/embedded/commit/burials.ts"

test("the first events of a queue are logged at once, later ones together, and each is counted", () => {
  const logged: unknown[] = []
  let counted = 0
  const burials = new Burials(
    (_level, _message, { events }) => logged.push(events),
    (_queue, _reason, count) => {
      counted += count
    },
  )
  // Ten turns per second for 25 seconds, with two events each.
  for (let turn = 0; turn < 250; turn++) {
    burials.begin()
    burials.note("calls", "expired")
    burials.note("calls", "expired")
    burials.written(turn * 100)
  }
  burials.begin()
  burials.written(60_000)
  expect(logged).toEqual([2, 200, 200, 98])
  expect(counted).toBe(500)
})

test("events of a turn that was not written are neither counted nor logged", () => {
  let calls = 0
  const burials = new Burials(
    () => calls++,
    () => calls++,
  )
  burials.note("calls", "overflow")
  burials.begin()
  burials.written(0)
  expect(calls).toBe(0)
})
