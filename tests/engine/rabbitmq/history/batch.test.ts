import { expect, test } from "bun:test"
import { Batch, newWriterId } from "../../../../src/engine/rabbitmq/history/batch.ts"
import type { AttemptFact } from "../../../../src/event/history-fact.ts"

const run = (id: string, handler = "told"): AttemptFact => ({
  fact: "attempt",
  at: 1_795_000_000_000,
  id,
  queue: "calls",
  attempt: 1,
  duration_ms: 1.25,
  outcome: "handled",
  module: "calls.ts",
  handler,
  generation: "4f0c2a91",
})

test("runs of a function share a line, and count as facts each", () => {
  const batch = new Batch("facts", newWriterId(), 0)
  for (const fact of [run("a"), run("b"), run("c", "ended"), run("d")]) batch.addRun(fact)
  expect(batch.facts).toBe(4)
  expect(batch.lines.map(({ facts }) => facts)).toEqual([3, 1])
})

test("the length of a batch does not change with a look at its lines: what is added for it is what is taken off", () => {
  const batch = new Batch("facts", newWriterId(), 0)
  for (let n = 0; n < 300; n++) batch.addRun(run(`event-${n}`))
  const { length } = batch
  expect(length).toBe(batch.body.length + 1)
  expect(batch.length).toBe(length)
})

test("a batch has room for no more runs than a message may have", () => {
  const batch = new Batch("facts", newWriterId(), 0)
  while (batch.fits(1_000)) batch.addRun(run(crypto.randomUUID()))
  expect(batch.body.length).toBeLessThan(262_144)
})
