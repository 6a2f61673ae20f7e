import { expect, test } from "bun:test"
import { join } from "node:path"
import { factLine, type HistoryFact, joinLines } from "../../src/event/history-fact.ts"
import { DELIVERY_STATES, EVENT_STATUSES } from "../../src/history/delivery-state.ts"
import { Projection } from "../../src/history/projection.ts"
import { idsOf } from "../support/fact-follower.ts"
import { attempt, batchOf, historyOf, published, ROOMY, START } from "../support/facts.ts"
import { newEvent } from "../support/new-event.ts"
import { storedLine, storeWith } from "../support/stored-publications.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

const IDS = ["a", "b", "c", "d", "e", "f"]

/** Everything that can happen, to a handful of events. */
const STORY: readonly HistoryFact[] = [
  published({ id: "a", payload: { n: 1 } }, { queues: ["custom_events", "audit"] }),
  published({ id: "b", ordering_key: "k" }, { caused_by: "a" }),
  attempt("a"),
  attempt("a", { queue: "audit", outcome: "retry", reason: "error", next_at: START + 900 }),
  published({ id: "c" }),
  attempt("a", { queue: "audit", attempt: 2, outcome: "dead-letter", reason: "attempts-exhausted" }),
  { fact: "dead-lettered", at: START + 200, id: "b", queue: "custom_events", reason: "expired" },
  { fact: "redriven", at: START + 300, id: "a", queue: "audit" },
  attempt("a", { queue: "audit", at: START + 310 }),
  { fact: "replayed", at: START + 400, id: "b", queue: "replays", replay: "r1" },
  published({ id: "d" }),
  { fact: "purged", at: START + 500, queue: "custom_events", from: "queue" },
  { fact: "purged", at: START + 600, queue: "custom_events", from: "dead-letters", ids: ["b", "nobody"] },
  attempt("e"),
  published({ id: "e" }, { at: START + 50 }),
  published({ id: "f" }),
  published({ id: "f" }, { at: START + 700 }),
  attempt("f", { at: START + 800 }),
]

const QUEUES = ["custom_events", "audit", "replays"]

const told = (projection: Projection): unknown => [
  ...IDS.map((id) => projection.lookup(id)),
  projection.list({ limit: 100 }).items,
  ...EVENT_STATUSES.map((status) => projection.list({ limit: 100, status }).items),
  ...QUEUES.flatMap((queue) =>
    DELIVERY_STATES.map((state) => projection.list({ limit: 100, queues: [queue], states: [state] }).items),
  ),
]

test("facts that are applied one at a time give the same history as facts that are applied together", () => {
  using together = historyOf(STORY)
  using apart = Projection.open(":memory:", ROOMY)
  for (const fact of STORY) apart.apply([batchOf([fact])], START + 1_000)
  expect(told(apart)).toEqual(told(together))
  expect(apart.unfinished()).toEqual(together.unfinished())
  expect(together.list({ limit: 100 }).items.map(({ id, status }) => [id, status])).toEqual([
    ["f", "pending"],
    ["f", "completed"],
    ["e", "completed"],
    ["d", "failed"],
    ["c", "failed"],
    ["b", "processing"],
    ["a", "completed"],
  ])
})

test("publications that refer to the store give the same history, whatever follows them and when", () => {
  const story = STORY.filter((fact) => !idsOf(fact).includes("e"))
  const events = story.flatMap((fact) => (fact.fact === "published" ? [fact] : []))
  const lines = story.map((fact) => {
    if (fact.fact !== "published") return factLine(fact)
    return storedLine(fact.at, fact.queues, events.indexOf(fact))
  })
  using store = storeWith(
    events.map(({ event, trace, caused_by }) => ({ event, trace, causedBy: caused_by })),
  )
  using whole = historyOf(story)
  for (let parts = 1; parts <= lines.length; parts++) {
    using projection = Projection.open(":memory:", ROOMY, store.file)
    for (let part = 0; part < parts; part++) {
      const ends = [part, part + 1].map((each) => Math.round((each * lines.length) / parts))
      const text = joinLines(lines.slice(...ends))
      const applied = projection.apply([{ token: `${part}`, position: "", text }], START + 1_000)
      expect(applied.skipped).toBe(0)
    }
    expect(told(projection)).toEqual(told(whole))
  }
})

test("runs that came before a publication in the store are of another event with its id", () => {
  const event = newEvent({ id: "e" })
  using store = storeWith([{ event }])
  using projection = Projection.open(":memory:", ROOMY, store.file)
  const lines = [factLine(attempt("e", { at: START })), storedLine(START + 50, ["custom_events"], 0)]
  projection.apply([{ token: "t", position: "", text: joinLines(lines) }], START)
  const { items } = projection.list({ limit: 9 })
  expect(items.map(({ status }) => status)).toEqual(["pending", "unknown"])
})

test("a batch that arrives twice is applied once, also after a restart", () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "history.db")
  const batch = batchOf([published({ id: "a" }), attempt("a")])
  const first = Projection.open(file, ROOMY)
  expect(first.apply([batch, batch], START)).toEqual({ skipped: 0, repeated: 1 })
  first.close()
  using again = Projection.open(file, ROOMY)
  expect(again.position).toBe(batch.position)
  expect(again.apply([batch], START)).toEqual({ skipped: 0, repeated: 1 })
  expect(again.lookup("a")).toMatchObject({ publications: 1, queues: [{ attempts: 1 }] })
})

test("lines that are no facts are skipped and counted, and the others are applied", () => {
  using projection = Projection.open(":memory:", ROOMY)
  const good = batchOf([published({ id: "a" }), attempt("a")])
  const [publication = "", run = ""] = good.text.split("\n")
  const bad = [
    "not JSON",
    "[]",
    '{"fact":"published"}',
    '{"fact":"invented","at":1}',
    publication.replace('"custom"', '"unknown"'),
    publication.replace('"at":', '"at":-'),
    run.replace('"id":"a"', '"id":""'),
    run.replace('"attempt":1', '"attempt":1.5'),
    run.replace('"custom_events"', JSON.stringify("q".repeat(2_000))),
    `${publication.slice(0, -1)},"event":{}}`,
  ]
  const text = [publication, ...bad, run].join("\n")
  expect(projection.apply([{ ...good, text }], START)).toEqual({ skipped: bad.length, repeated: 0 })
  expect(projection.list({ limit: 10 }).items).toMatchObject([{ id: "a", status: "completed" }])
})

test("the body is kept byte for byte, wherever the event is in its fact", () => {
  const body = JSON.stringify(published({ id: "a" }))
    .replace(/^.*"event":(.*)\}$/, "$1")
    .replace('"payload":{}', '"payload":{"n":12345678901234567890.10, "event":{"é":"\\u00e9,\\"event\\":"}}')
  const head = `{"fact":"published","at":${START},"queues":["custom_events"],"trace":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","caused_by":"x"`
  for (const line of [`${head},"event":${body}}`, `${head}, "more":"\\"","event":${body}}`]) {
    using projection = Projection.open(":memory:", ROOMY)
    projection.apply([{ token: "1", position: "1", text: line }], START)
    expect(projection.lookup("a")).toMatchObject({
      body,
      causedBy: "x",
      traceId: "0af7651916cd43dd8448eb211c80319c",
    })
  }
})

test("a failed apply applies nothing, and the next one goes on", () => {
  using projection = historyOf([published({ id: "a" })])
  const broken = {
    token: "t",
    position: "t",
    get text(): string {
      throw new Error("unreadable")
    },
  }
  expect(() => projection.apply([batchOf([published({ id: "b" })]), broken], START)).toThrow("unreadable")
  expect(projection.lookup("b")).toBeNull()
  projection.apply([batchOf([published({ id: "c" }, { queues: ["new"] })])], START)
  expect(projection.list({ limit: 9 }).items.map(({ id }) => id)).toEqual(["c", "a"])
})
