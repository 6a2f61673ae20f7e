import { expect, test } from "bun:test"
import type { EventDraft } from "../../src/event/envelope.ts"
import {
  engineLine,
  type FactBatch,
  factLine,
  type HandledRun,
  type HistoryFact,
  joinLines,
} from "../../src/event/history-fact.ts"
import { Projection } from "../../src/history/projection.ts"
import { WaitingBatches } from "../../src/history/waiting-batches.ts"
import { breakBodies } from "../support/damage.ts"
import { attempt, batchOf, historyOf, published, ROOMY, START } from "../support/facts.ts"
import { newEvent } from "../support/new-event.ts"
import { storedLine, storeWith } from "../support/stored-publications.ts"

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
  using store = storeWith(events.map((event) => ({ event, trace: TRACEPARENT, causedBy: "cause" })))
  using projection = Projection.open(":memory:", ROOMY, store.file)
  const stored = storedLine(START, ["calls"], 0, events.length - 1)
  expect(projection.apply([batchOfLine(stored)], START + 1_000)).toEqual({ skipped: 0, repeated: 0 })
  using whole = historyOf(facts)
  const ids = events.map(({ id }) => id)
  expect(ids.map((id) => projection.lookup(id))).toEqual(ids.map((id) => whole.lookup(id)))
  expect(projection.list({ limit: 100 }).items).toEqual(whole.list({ limit: 100 }).items)
  expect(ids.map((id) => projection.lookup(id)?.body)).toEqual(events.map((event) => JSON.stringify(event)))
  const { items } = projection.select({}, 100)
  expect(items.map(({ body }) => body)).toEqual(events.map((event) => JSON.stringify(event)))
  const byKey = { limit: 9, orderingKey: "k-1" }
  expect(projection.list(byKey).items).toEqual(whole.list(byKey).items)
})

test("a text is found in the payload of an event, and not in what else is stored of it", () => {
  const events = [
    newEvent({ id: "plain", payload: { note: "needle" } }),
    newEvent({ id: 'quoted "id"', payload: { note: "needle" } }),
    newEvent({ id: "elsewhere", metadata: { note: "needle" } }),
  ]
  using store = storeWith(events.map((event) => ({ event })))
  using projection = Projection.open(":memory:", ROOMY, store.file)
  projection.apply([batchOfLine(storedLine(START, ["calls"], 0, events.length - 1))], START)
  const found = (text: string) => projection.list({ limit: 9, text }).items.map(({ id }) => id)
  expect(found('"note":"needle"')).toEqual(['quoted "id"', "plain"])
  expect(found("pending")).toEqual([])
})

test("with as many queues, and sets of queues, as there may be, every event that is told has its deliveries", () => {
  const MAX_QUEUES = 10_000
  const names = Array.from({ length: MAX_QUEUES + 1 }, (_, number) => `q${number}`)
  const pairs = ["q0", "q1"].flatMap((one) => names.slice(2, 4).map((other) => [one, other]))
  const events = [...names, ...pairs].map((_, number) => ({ event: newEvent({ id: `e${number}` }) }))
  using store = storeWith(events)
  using projection = Projection.open(":memory:", ROOMY, store.file)
  const lines = names.map((name, number) => storedLine(START, [name], number))
  // The first apply has as many queues as there may be; each is in use.
  expect(projection.apply([batchOfLine(joinLines(lines))], START).skipped).toBe(1)
  const queuesOf = (number: number) => projection.lookup(`e${number}`)?.queues.map(({ queue }) => queue)
  expect([0, MAX_QUEUES - 1, MAX_QUEUES].map(queuesOf)).toEqual([["q0"], [`q${MAX_QUEUES - 1}`], undefined])
  const more = pairs.map((queues, number) => storedLine(START, queues, names.length + number))
  expect(projection.apply([batchOfLine(joinLines(more))], START).skipped).toBe(0)
  expect(pairs.map((_, number) => queuesOf(names.length + number))).toEqual(pairs)
  const run = factLine(attempt(`e${names.length}`, { queue: "q2" }))
  projection.apply([batchOfLine(run)], START)
  expect(projection.lookup(`e${names.length}`)?.queues.map(({ state }) => state)).toEqual([
    "waiting",
    "handled",
  ])
})

test("many events of one fact are all there, with their runs before and after them in the same step", () => {
  const events = Array.from({ length: 100 }, (_, number) => newEvent({ id: `e${number}` }))
  using store = storeWith(events.map((event) => ({ event })))
  using projection = Projection.open(":memory:", ROOMY, store.file)
  const run = (number: number, queue: string, outcome: "handled" | "retry" = "handled") =>
    factLine(attempt(`e${number}`, { queue, outcome, ...(outcome === "retry" && { reason: "error" }) }))
  const stored = (first: number, last: number) => storedLine(START, ["calls", "audit"], first, last)
  const lines = [
    stored(0, 69),
    ...[40, 3, 3, 69, 0].map((number) => run(number, "calls")),
    run(40, "audit"),
    stored(70, 99),
    run(99, "audit"),
    run(5, "calls", "retry"),
    run(6, "calls"),
    run(6, "elsewhere"),
  ]
  expect(projection.apply([batchOfLine(joinLines(lines))], START).skipped).toBe(0)
  const { items } = projection.list({ limit: 200, newestFirst: false })
  expect(items.map(({ id }) => id)).toEqual(events.map(({ id }) => id))
  const told = items
    .map(({ id, queues }) =>
      [id, ...queues.map((each) => `${each.queue} ${each.state} ${each.attempts}`)].join(", "),
    )
    .filter((each) => !each.endsWith("audit waiting 0, calls waiting 0"))
  expect(told).toEqual([
    "e0, audit waiting 0, calls handled 1",
    "e3, audit waiting 0, calls handled 2",
    "e5, audit waiting 0, calls retrying 1",
    "e6, audit waiting 0, calls handled 1, elsewhere handled 1",
    "e40, audit handled 1, calls handled 1",
    "e69, audit waiting 0, calls handled 1",
    "e99, audit handled 1, calls waiting 0",
  ])
})

test("runs that are brought together give the same history as runs apart", () => {
  const ids = ["a", "b", "c"]
  const facts = ids.map((id) => published({ id }))
  const [first, ...others] = ids.map((id) => attempt(id, { at: START + 50, published_at: START }))
  const of = { queue: "custom_events", module: "calls.ts", handler: "tested", generation: "g1" }
  const runs = ids.map((id): HandledRun => [id, START + 50, id === "b" ? null : START, 1, 5])
  const together = engineLine({ fact: "handled", at: START + 50, ...of, runs })
  using apart = historyOf([...facts, ...(first ? [first, ...others] : [])])
  for (const isLater of [false, true]) {
    using projection = historyOf(isLater ? facts : [])
    const before = isLater ? [] : facts.map(factLine)
    expect(projection.apply([batchOfLine(joinLines([...before, together]))], START)).toMatchObject({
      skipped: 0,
    })
    expect(ids.map((id) => projection.lookup(id))).toEqual(ids.map((id) => apart.lookup(id)))
    expect(projection.list({ limit: 9 }).items).toEqual(apart.list({ limit: 9 }).items)
    expect(projection.unfinished()).toEqual(apart.unfinished())
  }
})

test("a run belongs to the oldest event with its id that waits on the queue", () => {
  const steps: readonly HistoryFact[] = [
    published({ id: "twice", payload: { n: 1 } }),
    published({ id: "twice", payload: { n: 2 } }, { at: START + 10 }),
    attempt("twice", { at: START + 20 }),
    attempt("twice", { at: START + 30, attempt: 2 }),
    published({ id: "elsewhere" }),
    published({ id: "elsewhere" }, { at: START + 10, queues: ["audit"] }),
    attempt("elsewhere", { at: START + 20 }),
  ]
  using apart = Projection.open(":memory:", ROOMY)
  for (const fact of steps) apart.apply([batchOf([fact])], START + 1_000)
  using together = historyOf(steps)
  expect(apart.list({ limit: 9 }).items).toEqual(together.list({ limit: 9 }).items)
  expect(apart.lookup("twice")).toEqual(together.lookup("twice"))
  const states = apart
    .list({ limit: 9 })
    .items.map(({ id, queues }) => [id, queues.map(({ state, attempts }) => `${state} ${attempts}`)])
  expect(states).toEqual([
    ["elsewhere", ["waiting 0"]],
    ["elsewhere", ["handled 1"]],
    ["twice", ["handled 1"]],
    ["twice", ["handled 1"]],
  ])
})

test("a line of runs that this version did not write is skipped", () => {
  using projection = historyOf([published({ id: "a" })])
  const of = {
    fact: "handled",
    at: START,
    queue: "custom_events",
    module: "m",
    handler: "h",
    generation: "g",
  }
  const wrong = [
    { ...of },
    { ...of, runs: {} },
    { ...of, runs: [{}] },
    { ...of, runs: [["a", "now", null, 1, 1]] },
  ]
  const lines = wrong.map((each) => JSON.stringify(each))
  expect(projection.apply([batchOfLine(joinLines(lines))], START)).toMatchObject({ skipped: wrong.length })
  expect(projection.lookup("a")).toMatchObject({ status: "pending" })
})

test("events that are damaged or gone are skipped, and the other facts are applied", () => {
  const event = newEvent({ id: "whole" })
  using store = storeWith([{ event, body: "{" }, { event }, { event: newEvent({ id: "later" }) }])
  using projection = Projection.open(":memory:", ROOMY, store.file)
  const lines = [
    storedLine(START, ["calls"], 0, 1),
    storedLine(START, ["calls"], 7, 8),
    storedLine(START, ["calls"], 2, 3),
    factLine(attempt("whole", { queue: "calls" })),
  ]
  expect(projection.apply([batchOfLine(joinLines(lines))], START)).toEqual({ skipped: 3, repeated: 0 })
  expect(projection.lookup("whole")).toMatchObject({ status: "completed" })
  expect(projection.lookup("later")).toMatchObject({ status: "pending" })
})

test("an event whose layout is wrong, or whose body has none, is read from its body", () => {
  const events = ["one", "other", "third"].map((id) => newEvent({ id, ordering_key: "k" }))
  using store = storeWith(events.map((event) => ({ event })))
  store.run(`UPDATE events SET layout = layout + 1 WHERE body LIKE '%"one"%'`)
  store.run(`UPDATE events SET layout = NULL WHERE body LIKE '%"third"%'`)
  using projection = Projection.open(":memory:", ROOMY, store.file)
  projection.apply([batchOfLine(storedLine(START, ["calls"], 0, 2))], START)
  const { items } = projection.list({ limit: 9, newestFirst: false, orderingKey: "k" })
  expect(items.map(({ id }) => id)).toEqual(["one", "other", "third"])
  expect(items.map(({ id }) => projection.lookup(id)?.body)).toEqual(
    events.map((each) => JSON.stringify(each)),
  )
})

test("an event with a damaged number is skipped, and the others are applied", () => {
  const events = ["one", "other", "third"].map((id) => newEvent({ id }))
  using store = storeWith(events.map((event) => ({ event })))
  store.run(`UPDATE events SET seq = seq + 1 WHERE body LIKE '%"other"%'`)
  using projection = Projection.open(":memory:", ROOMY, store.file)
  expect(projection.apply([batchOfLine(storedLine(START, ["calls"], 0, 2))], START).skipped).toBe(1)
  expect(projection.list({ limit: 9, newestFirst: false }).items.map(({ id }) => id)).toEqual([
    "one",
    "third",
  ])
})

test("a damaged store costs its events only, not the history", () => {
  const long = (id: string) =>
    newEvent({ id, payload: { text: `${"long".repeat(2_000)}middle${"long".repeat(2_000)}` } })
  using store = storeWith([long("broken"), newEvent({ id: "whole" })].map((event) => ({ event })))
  store.run("PRAGMA wal_checkpoint(TRUNCATE)")
  breakBodies(store.folder, "middle")
  using projection = Projection.open(":memory:", ROOMY, store.file)
  const lines = [0, 1].map((place) => storedLine(START, ["calls"], place))
  expect(projection.apply([batchOfLine(joinLines(lines))], START)).toEqual({ skipped: 1, repeated: 0 })
  expect(projection.lookup("whole")).not.toBeNull()
})

test("a store that can't be read applies nothing, and a later try applies everything", () => {
  using store = storeWith([{ event: newEvent({ id: "one" }) }])
  using projection = Projection.open(":memory:", ROOMY, store.file)
  store.run("ALTER TABLE events RENAME TO elsewhere")
  const batch = batchOfLine(storedLine(START, ["calls"], 0))
  expect(() => projection.apply([batch], START)).toThrow("the store can't be read")
  store.run("ALTER TABLE elsewhere RENAME TO events")
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
