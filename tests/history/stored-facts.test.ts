import { expect, test } from "bun:test"
import type { EventDraft } from "../../src/event/envelope.ts"
import {
  type FactBatch,
  factLine,
  type HistoryFact,
  joinLines,
  storedLine,
} from "../../src/event/history-fact.ts"
import { Projection } from "../../src/history/projection.ts"
import { WaitingBatches } from "../../src/history/waiting-batches.ts"
import { attempt, historyOf, ROOMY, START } from "../support/facts.ts"
import { newEvent } from "../support/new-event.ts"

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/** Events in every form that the store has them in. */
const DRAFTS: readonly Partial<EventDraft>[] = [
  { id: "plain" },
  { id: "keyed", ordering_key: "k-1", routing_key: "calls.ended" },
  { id: 'quoted "id"\\', ordering_key: 'quoted "key"' },
  { id: "decoy", metadata: { status: "pending", retry_count: 0, ordering_key: "none" } },
  {
    id: "decoys",
    payload: { text: '"status":"pending","retry_count":0}' },
    metadata: { deep: [{ status: "pending", retry_count: 0 }] },
  },
  { id: "empty", payload: {}, metadata: {} },
  { id: "ünïcode", ordering_key: "ß", payload: { text: "ü" } },
]

const batchOfLine = (text: string): FactBatch => ({ token: text, position: text, text })

test("an event in the store gives the same history as one in the fact", () => {
  const events = DRAFTS.map(newEvent)
  const of = { trace: TRACEPARENT, caused_by: "cause" }
  const facts = events.map(
    (event): HistoryFact => ({ fact: "published", at: START, queues: ["calls"], event, ...of }),
  )
  const stored = storedLine({ fact: "stored", at: START, queues: ["calls"], first: 1, last: 9 })
  const asked: unknown[] = []
  using projection = Projection.open(":memory:", ROOMY, (...range) => {
    asked.push(range)
    return events.map((event) => ({ body: JSON.stringify(event), trace: TRACEPARENT, causedBy: "cause" }))
  })
  expect(projection.apply([batchOfLine(stored)], START + 1_000)).toEqual({ skipped: 0, repeated: 0 })
  using whole = historyOf(facts)
  expect(asked).toEqual([[1, 9]])
  const ids = events.map(({ id }) => id)
  expect(ids.map((id) => projection.lookup(id))).toEqual(ids.map((id) => whole.lookup(id)))
  expect(projection.list({ limit: 100 }).items).toEqual(whole.list({ limit: 100 }).items)
  const byKey = { limit: 9, orderingKey: "k-1" }
  expect(projection.list(byKey).items).toEqual(whole.list(byKey).items)
})

test("events that are damaged or gone are skipped, and the other facts are applied", () => {
  const event = newEvent({ id: "whole" })
  using projection = Projection.open(":memory:", ROOMY, (first) =>
    first === 1
      ? [
          { body: "{", trace: null, causedBy: null },
          { body: JSON.stringify(event), trace: null, causedBy: null },
        ]
      : [],
  )
  const lines = [
    storedLine({ fact: "stored", at: START, queues: ["calls"], first: 1, last: 2 }),
    storedLine({ fact: "stored", at: START, queues: ["calls"], first: 3, last: 4 }),
    factLine(attempt("whole", { queue: "calls" })),
  ]
  expect(projection.apply([batchOfLine(joinLines(lines))], START)).toEqual({ skipped: 2, repeated: 0 })
  expect(projection.lookup("whole")).toMatchObject({ status: "completed" })
})

test("a store that can't be read applies nothing, and a later try applies everything", () => {
  let isReadable = false
  using projection = Projection.open(":memory:", ROOMY, () => {
    if (!isReadable) throw new Error("the store can't be read")
    return [{ body: JSON.stringify(newEvent({ id: "one" })), trace: null, causedBy: null }]
  })
  const batch = batchOfLine(storedLine({ fact: "stored", at: START, queues: ["calls"], first: 1, last: 1 }))
  expect(() => projection.apply([batch], START)).toThrow("the store can't be read")
  isReadable = true
  expect(projection.apply([batch], START)).toEqual({ skipped: 0, repeated: 0 })
  expect(projection.lookup("one")).not.toBeNull()
})

test("batches that wait count with the events that they refer to", () => {
  const waiting = new WaitingBatches()
  for (const token of ["a", "b"]) waiting.add({ token, position: token, text: "xx", eventsLength: 3_000_000 })
  expect(waiting.length).toBe(6_000_004)
  expect(waiting.take()).toHaveLength(1)
  waiting.settle()
  expect(waiting.length).toBe(3_000_002)
})
