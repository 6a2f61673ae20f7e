import { expect, test } from "bun:test"
import { Batch, newWriterId, splitBatch } from "../../../../src/engine/rabbitmq/history/batch.ts"
import { type AttemptFact, publishedLine } from "../../../../src/event/history-fact.ts"
import { newEvent } from "../../../support/new-event.ts"

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
  expect(length).toBe(batch.text.length + 1)
  expect(batch.length).toBe(length)
})

/** A publication's line in parts, and its text. */
function publication(text: string) {
  const json = JSON.stringify(newEvent({ payload: { text } }))
  const line = publishedLine(
    { at: 1_795_000_000_000, queues: ["calls"] },
    new TextEncoder().encode(json),
    null,
  )
  return { line, text: `${line.head}${json}}` }
}

test("a batch has its lines in the order in which they were added, and those that are added after it was sent", () => {
  const batch = new Batch("facts", newWriterId(), 0)
  const [first, second] = [publication("grüße, 世界 🎧"), publication("more")]
  batch.add('{"é":1}')
  batch.add(first.line)
  expect(batch.text).toBe(`{"é":1}\n${first.text}`)
  expect(batch.bytes).toEqual(Buffer.from(batch.text))
  batch.add(second.line)
  batch.add("{}", 3)
  expect(batch.bytes).toEqual(Buffer.from(`{"é":1}\n${first.text}\n${second.text}\n{}`))
  expect(batch.lines).toEqual([
    { text: '{"é":1}', facts: 1 },
    { text: first.text, facts: 1 },
    { text: second.text, facts: 1 },
    { text: "{}", facts: 3 },
  ])
  expect(batch.facts).toBe(6)
})

test("a batch without facts has no lines and no bytes", () => {
  const mark = new Batch("mark", newWriterId(), 0)
  expect(mark.lines).toEqual([])
  expect(mark.bytes.length).toBe(0)
})

test("a batch that is too large for RabbitMQ is split between lines, and a line that is too large loses its payload", () => {
  const batch = new Batch("facts", newWriterId(), 0)
  const [small, large] = [publication("a"), publication("x".repeat(2_000))]
  for (const { line } of [small, small, small, large]) batch.add(line)
  const limit = 2 * small.text.length + 1
  const parts = splitBatch(batch, limit)
  expect(parts.map(({ facts }) => facts)).toEqual([2, 1, 1])
  for (const { bytes } of parts) expect(bytes.length).toBeLessThanOrEqual(limit)
  expect(parts[0]?.text).toBe(`${small.text}\n${small.text}`)
  expect(JSON.parse(parts[2]?.text ?? "")).toMatchObject({
    fact: "published",
    is_cut: true,
    event: { payload: {} },
  })
})

test("a batch has room for no more runs than a message may have", () => {
  const batch = new Batch("facts", newWriterId(), 0)
  while (batch.fits(1_000)) batch.addRun(run(crypto.randomUUID()))
  expect(batch.text.length).toBeLessThan(262_144)
})
