import { expect, test } from "bun:test"
import { EVENT_STEP } from "../../../src/engine/embedded/store/checksum.ts"
import { TurnFacts } from "../../../src/engine/embedded/store/turn-facts.ts"
import { type AttemptFact, attemptsOf, type HistoryFact } from "../../../src/event/history-fact.ts"

const queue = (name: string) => ({ declaration: { name } })
const [calls, audit] = [queue("calls"), queue("audit")]
const purged: HistoryFact = { fact: "purged", at: 2, queue: "calls", from: "queue" }

const linesOf = (facts: TurnFacts): readonly unknown[] => facts.lines().map((line) => JSON.parse(line))

const stored = (queues: readonly string[], first: number, last: number) => ({
  fact: "stored",
  at: 1,
  queues,
  first: first * EVENT_STEP,
  last: last * EVENT_STEP,
})

test("publishes that follow each other are one line, in their order among the other facts", () => {
  const facts = new TurnFacts()
  expect(facts.isEmpty).toBe(true)
  facts.add(purged)
  for (const n of [1, 2, 3]) facts.addStored(n * EVENT_STEP, 100, [calls], 1)
  facts.add(purged)
  facts.addStored(4 * EVENT_STEP, 100, [calls], 1)
  facts.addStored(5 * EVENT_STEP, 100, [calls, audit], 1)
  facts.addStored(6 * EVENT_STEP, 100, [calls, audit], 1)
  // Another event was stored between, without a publish.
  facts.addStored(8 * EVENT_STEP, 100, [calls, audit], 1)
  expect(linesOf(facts)).toEqual([
    purged,
    stored(["calls"], 1, 3),
    purged,
    stored(["calls"], 4, 4),
    stored(["calls", "audit"], 5, 6),
    stored(["calls", "audit"], 8, 8),
  ])
  expect(facts).toMatchObject({ isEmpty: false, eventsLength: 700, lastEvent: 8 * EVENT_STEP })
})

test("handled runs are one line for each function, and all others keep their own", () => {
  const run: AttemptFact = {
    fact: "attempt",
    at: 5,
    id: "a",
    published_at: 1,
    queue: "calls",
    attempt: 1,
    duration_ms: 0.5,
    outcome: "handled",
    module: "calls.ts",
    handler: "*",
    generation: "g",
  }
  const retried: HistoryFact = { ...run, id: "r", outcome: "retry", reason: "error", next_at: 9 }
  const replayed: HistoryFact = { ...run, id: "p", replay: "one" }
  const { published_at: _, ...undated } = { ...run, id: "c", at: 7 }
  const others = { ...run, id: "b", handler: "ended", at: 6 }
  const facts = new TurnFacts()
  for (const fact of [run, retried, others, replayed, undated]) facts.add(fact)
  expect(facts.isEmpty).toBe(false)
  facts.add(purged)
  facts.add({ ...run, id: "d" })
  facts.addStored(EVENT_STEP, 100, [calls], 1)
  const of = { fact: "handled", queue: "calls", module: "calls.ts", generation: "g" }
  const lines = linesOf(facts)
  expect(lines).toEqual([
    retried,
    replayed,
    {
      ...of,
      at: 5,
      handler: "*",
      runs: [
        ["a", 5, 1, 1, 0.5],
        ["c", 7, null, 1, 0.5],
      ],
    },
    { ...of, at: 6, handler: "ended", runs: [["b", 6, 1, 1, 0.5]] },
    purged,
    { ...of, at: 5, handler: "*", runs: [["d", 5, 1, 1, 0.5]] },
    stored(["calls"], 1, 1),
  ])
  expect(attemptsOf(JSON.parse(JSON.stringify(lines[2])))).toEqual([run, undated])
})

test("a line has at most 256 events, at most a mebibyte of them, and those of 10 ms", () => {
  const many = new TurnFacts()
  for (let n = 1; n <= 300; n++) many.addStored(n * EVENT_STEP, 1, [calls], 1)
  expect(linesOf(many)).toEqual([stored(["calls"], 1, 256), stored(["calls"], 257, 300)])
  const large = new TurnFacts()
  for (let n = 1; n <= 4; n++) large.addStored(n * EVENT_STEP, 400_000, [calls], 1)
  expect(linesOf(large)).toEqual([stored(["calls"], 1, 2), stored(["calls"], 3, 4)])
  const slow = new TurnFacts()
  for (let n = 1; n <= 4; n++) slow.addStored(n * EVENT_STEP, 1, [calls], 1 + 5 * (n - 1))
  expect(linesOf(slow)).toEqual([stored(["calls"], 1, 3), { ...stored(["calls"], 4, 4), at: 16 }])
})
