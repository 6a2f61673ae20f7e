import { expect, test } from "bun:test"
import type { HistoryFact } from "../../src/event/history-fact.ts"
import type { DeliveryState } from "../../src/history/delivery-state.ts"
import { Projection } from "../../src/history/projection.ts"
import { attempt, batchOf, historyOf, published, ROOMY, START } from "../support/facts.ts"

const retry = (id: string, number: number, at: number) =>
  attempt(id, {
    attempt: number,
    at: START + at,
    outcome: "retry",
    reason: "error",
    error: { name: "Error", message: `failure ${number}`, stack: `stack ${number}` },
    next_at: START + at + 50,
  })

test("each fact moves its delivery on, and the timeline keeps what happened", () => {
  using projection = historyOf([published({ id: "a" })])
  const seen: unknown[] = []
  const see = (): void => {
    const event = projection.lookup("a")
    const [queue] = event?.queues ?? []
    seen.push([event?.status, queue?.state, queue?.attempts, queue?.reason, queue?.nextAt])
  }
  see()
  for (const fact of [
    retry("a", 1, 100),
    attempt("a", { attempt: 2, at: START + 200, outcome: "dead-letter", reason: "attempts-exhausted" }),
    { fact: "redriven", at: START + 300, id: "a", queue: "custom_events" } as const,
    { fact: "dead-lettered", at: START + 400, id: "a", queue: "custom_events", reason: "expired" } as const,
    { fact: "replayed", at: START + 500, id: "a", queue: "custom_events", replay: "r1" } as const,
    attempt("a", { at: START + 600, replay: "r1" }),
  ]) {
    projection.apply([batchOf([fact])], START)
    see()
  }
  expect(seen).toEqual([
    ["pending", "waiting", 0, null, null],
    ["processing", "retrying", 1, "error", START + 150],
    ["failed", "dead", 2, "attempts-exhausted", null],
    ["processing", "waiting", 2, null, null],
    ["failed", "expired", 2, "expired", null],
    ["processing", "waiting", 2, null, null],
    ["completed", "handled", 3, null, null],
  ])
  const [queue] = projection.lookup("a")?.queues ?? []
  expect(queue?.timeline.map(({ kind }) => kind)).toEqual([
    "published",
    "attempt",
    "attempt",
    "redriven",
    "dead-lettered",
    "replayed",
    "attempt",
  ])
  expect(queue?.timeline[1]).toEqual({
    kind: "attempt",
    at: START + 100,
    startedAt: START + 95,
    durationMs: 5,
    attempt: 1,
    outcome: "retry",
    reason: "error",
    error: { name: "Error", message: "failure 1", stack: "stack 1" },
    nextAt: START + 150,
    module: "calls.ts",
    handler: "tested",
    generation: "g1",
    replay: null,
    log: null,
  })
})

test("a publish without a confirm leaves its event unknown, until something happens to it", () => {
  const queues = ["custom_events", "audit_events"]
  using projection = historyOf([
    published({ id: "a" }, { queues }),
    published({ id: "b" }),
    { fact: "unconfirmed", at: START + 1, id: "a" },
  ])
  const statesOf = (id: string) =>
    projection.lookup(id)?.queues.map(({ queue, state, reason }) => [queue, state, reason])
  const idsIn = (...states: DeliveryState[]) =>
    projection.list({ states, limit: 10, newestFirst: false }).items.map(({ id }) => id)
  expect(statesOf("a")).toEqual([
    ["audit_events", "unknown", null],
    ["custom_events", "unknown", null],
  ])
  expect(projection.lookup("a")?.status).toBe("pending")
  expect(idsIn("unknown")).toEqual(["a"])
  expect(idsIn("waiting")).toEqual(["b"])
  expect(idsIn("waiting", "unknown")).toEqual(["a", "b"])
  projection.apply([batchOf([attempt("a")])], START)
  expect(statesOf("a")).toEqual([
    ["audit_events", "unknown", null],
    ["custom_events", "handled", null],
  ])
  projection.apply([batchOf([{ fact: "unconfirmed", at: START + 200, id: "a" }])], START)
  expect(statesOf("a")?.[1]).toEqual(["custom_events", "handled", null])
})

const logged = (number: number, text: string) =>
  attempt("a", {
    attempt: number,
    at: START + number * 100,
    outcome: "retry",
    reason: "error",
    log: { lines: [{ at: START + number, level: "warn", text }], omitted: 3 },
  })

test("an attempt keeps the lines that it wrote to the log, also one without a failure", () => {
  const lines = [{ at: START + 1, level: "info" as const, text: 'asked "twice"' }]
  using projection = historyOf([
    published({ id: "a" }),
    logged(1, "no answer"),
    attempt("a", { attempt: 2, at: START + 900, log: { lines } }),
  ])
  const [queue] = projection.lookup("a")?.queues ?? []
  expect(queue?.timeline.slice(1)).toMatchObject([
    { attempt: 1, log: { lines: [{ at: START + 1, level: "warn", text: "no answer" }], omitted: 3 } },
    { attempt: 2, outcome: "handled", error: null, log: { lines } },
  ])
})

test("in a long timeline only the latest attempts keep their lines, and the others their number", () => {
  const runs = Array.from({ length: 60 }, (_, place) => logged(place + 1, `${place} ${"x".repeat(1_000)}`))
  using projection = historyOf([published({ id: "a" }), ...runs])
  const [queue] = projection.lookup("a")?.queues ?? []
  const logs = queue?.timeline.flatMap((entry) => (entry.kind === "attempt" ? [entry.log] : [])) ?? []
  expect(logs.at(-1)?.lines[0]?.text).toStartWith("59 x")
  expect(logs.filter((log) => log?.lines.length === 1).length).toBeLessThan(40)
  expect(logs.filter((log) => log?.lines.length === 0)).not.toEqual([])
  expect(logs.find((log) => log?.lines.length === 0)?.omitted).toBe(4)
})

test("a purge cancels what waits, or the dead letters, and nothing else", () => {
  using projection = historyOf([
    published({ id: "waits" }),
    published({ id: "retries" }),
    retry("retries", 1, 10),
    published({ id: "dead" }),
    attempt("dead", { outcome: "dead-letter", reason: "rejected" }),
    published({ id: "handled" }),
    attempt("handled"),
    published({ id: "elsewhere" }, { queues: ["audit"] }),
  ])
  const states = (): unknown =>
    Object.fromEntries(projection.list({ limit: 9 }).items.map(({ id, queues }) => [id, queues[0]?.state]))
  projection.apply(
    [batchOf([{ fact: "purged", at: START + 20, queue: "custom_events", from: "queue" }])],
    START,
  )
  const afterQueue = {
    waits: "cancelled",
    retries: "cancelled",
    dead: "dead",
    handled: "handled",
    elsewhere: "waiting",
  }
  expect(states()).toEqual(afterQueue)
  projection.apply(
    [batchOf([{ fact: "purged", at: START + 30, queue: "custom_events", from: "dead-letters" }])],
    START,
  )
  expect(states()).toEqual({ ...afterQueue, dead: "cancelled" })
})

test("a purge of more deliveries than are held in memory cancels them all", () => {
  const events = Array.from({ length: 2_500 }, (_, place) => published({ id: `e${place}` }))
  using projection = historyOf([
    ...events,
    { fact: "purged", at: START + 1, queue: "custom_events", from: "queue" },
  ])
  expect(projection.unfinished()).toEqual([])
})

test("a fact that says when its event was published belongs to that publication", () => {
  const [first, second] = [START, START + 60_000]
  for (const [published_at, statuses] of [
    [first - 5, ["pending", "completed"]],
    [second - 5, ["completed", "pending"]],
  ] as const) {
    using projection = historyOf([
      published({ id: "a", payload: { n: 1 } }),
      published({ id: "a", payload: { n: 2 } }, { at: second }),
      attempt("a", { at: second + 100, published_at }),
    ])
    expect(projection.lookup("a")).toMatchObject({ publications: 2, publishedAt: second })
    expect(projection.list({ limit: 9 }).items.map(({ status }) => status)).toEqual([...statuses])
  }
})

test.each([true, false])(
  "events with one id that wait on one queue have the states of their own, told together: %p",
  (isTogether) => {
    const of = { id: "a", queue: "custom_events" }
    const at = (ms: number) => ({ at: START + ms })
    const facts: readonly HistoryFact[] = [
      ...[1, 2, 3].map((n) => published({ id: "a", payload: { n } }, { queues: ["custom_events", "audit"] })),
      // A run that the end of a process cut short is told by no fact.
      attempt("a", { ...at(10), attempt: 1, outcome: "retry", reason: "error", next_at: START + 90 }),
      attempt("a", { ...at(20), attempt: 2, outcome: "dead-letter", reason: "error" }),
      attempt("a", { ...at(30), attempt: 1, outcome: "dead-letter", reason: "error" }),
      { fact: "purged", ...at(40), queue: of.queue, from: "dead-letters", ids: ["a"] },
      { fact: "redriven", ...at(50), ...of },
      attempt("a", { ...at(60), attempt: 1 }),
      { fact: "dead-lettered", ...at(70), ...of, reason: "expired" },
      { fact: "purged", ...at(80), queue: "audit", from: "queue", ids: ["a", "a"] },
    ]
    using projection = isTogether ? historyOf(facts) : Projection.open(":memory:", ROOMY)
    if (!isTogether) for (const fact of facts) projection.apply([batchOf([fact])], START)
    const { items } = projection.list({ limit: 9, newestFirst: false })
    expect(items.map(({ queues }) => queues.map((each) => `${each.queue} ${each.state}`))).toEqual([
      ["audit cancelled", "custom_events cancelled"],
      ["audit cancelled", "custom_events handled"],
      ["audit waiting", "custom_events expired"],
    ])
  },
)

test("a run that arrives before its publication belongs to it, but not to one that comes later", () => {
  using projection = historyOf([attempt("a"), attempt("old")])
  expect(projection.lookup("a")).toMatchObject({ body: null, type: null, publishedAt: null, publications: 0 })
  projection.apply(
    [batchOf([published({ id: "a" }), published({ id: "old" }, { at: START + 60_000 })])],
    START,
  )
  expect(projection.lookup("a")).toMatchObject({ publications: 1, status: "completed", type: "custom" })
  expect(projection.lookup("old")).toMatchObject({ publications: 1, status: "pending" })
})

test("another program's event is known from the fact of its run", () => {
  const fact = published({ id: "a", name: "foreign" })
  if (fact.fact !== "published") throw new Error("not a publication")
  using projection = historyOf([attempt("a", { event: fact.event })])
  expect(projection.lookup("a")).toMatchObject({
    name: "foreign",
    body: JSON.stringify(fact.event),
    publications: 0,
  })
})

test("runs of several instances that arrive in another order leave the latest state", () => {
  using projection = historyOf([
    published({ id: "a" }),
    attempt("a", { attempt: 2, at: START + 200 }),
    retry("a", 1, 100),
  ])
  const [queue] = projection.lookup("a")?.queues ?? []
  expect(queue).toMatchObject({ state: "handled", attempts: 2 })
  expect(queue?.timeline.map((entry) => (entry.kind === "attempt" ? entry.attempt : entry.kind))).toEqual([
    "published",
    1,
    2,
  ])
})

test("a timeline keeps its first and last 50 entries, and the stacks of the first and the latest failure", () => {
  const runs = Array.from({ length: 250 }, (_, place) => retry("a", place + 1, place * 100))
  using projection = historyOf([published({ id: "a" }), ...runs])
  const [queue] = projection.lookup("a")?.queues ?? []
  expect(queue).toMatchObject({ attempts: 250, omitted: 150 })
  const attempts = queue?.timeline.filter((entry) => entry.kind === "attempt") ?? []
  expect(attempts.map(({ attempt: number }) => number)).toEqual([
    ...Array.from({ length: 50 }, (_, place) => place + 1),
    ...Array.from({ length: 50 }, (_, place) => place + 201),
  ])
  const stacks = attempts.map(({ error }) => error?.stack).filter((stack) => stack !== undefined)
  expect(stacks).toEqual(["stack 1", "stack 250"])
})

test("unfinished deliveries are counted by queue", () => {
  using projection = historyOf([
    published({ id: "a" }, { at: START + 5, queues: ["one", "two"] }),
    published({ id: "b" }, { at: START + 9, queues: ["one"] }),
    attempt("a", { queue: "two", outcome: "retry", reason: "error", next_at: Date.now() + 60_000 }),
    // Its next attempt is due, so it is on its queue again.
    attempt("b", { queue: "one", outcome: "retry", reason: "error", next_at: START + 500 }),
    published({ id: "c" }, { queues: ["three"] }),
    attempt("c", { queue: "three" }),
  ])
  expect(projection.unfinished()).toEqual([
    { queue: "one", retrying: 0, oldestWaitingAt: START + 5 },
    { queue: "two", retrying: 1, oldestWaitingAt: null },
  ])
})

test("a publish that was refused after all is unknown again, and an earlier one with its id is not", () => {
  using projection = historyOf([published({ id: "a" }), published({ id: "b" })])
  const refused = (id: string) => ({ fact: "refused", at: START + 10, id }) as const
  projection.apply([batchOf([published({ id: "a" }, { at: START + 5 }), refused("a"), refused("b")])], START)
  expect(projection.lookup("a")).toMatchObject({ publications: 1, publishedAt: START })
  expect(projection.lookup("b")).toBeNull()
  expect(projection.list({ limit: 10 }).items.map(({ id }) => id)).toEqual(["a"])
})

test("an event that was cut is shown without its body, and never replayed", () => {
  using projection = historyOf([published({ id: "a" }, { is_cut: true })])
  expect(projection.lookup("a")).toMatchObject({ body: null, type: "custom" })
  expect(projection.select({}, 10).items).toEqual([])
})

test("a replay or a redrive that is told after the run that it led to changes no state", () => {
  using projection = historyOf([
    published({ id: "a" }),
    published({ id: "b" }),
    attempt("a", { at: START + 30, replay: "r1" }),
    { fact: "replayed", at: START + 30, id: "a", queue: "custom_events", replay: "r1" },
    attempt("b", { at: START + 30 }),
    { fact: "redriven", at: START + 20, id: "b", queue: "custom_events" },
  ])
  for (const id of ["a", "b"]) {
    expect(projection.lookup(id)).toMatchObject({ status: "completed", queues: [{ state: "handled" }] })
  }
  const kinds = projection.lookup("b")?.queues[0]?.timeline.map(({ kind }) => kind)
  expect(kinds).toEqual(["published", "redriven", "attempt"])
})

test("facts belong to the newest publication with their id on their queue, also if another type has the id", () => {
  const facts = [
    published({ id: "x", type: "voice" }, { queues: ["voice_events"] }),
    published({ id: "x", type: "user" }, { at: START + 5, queues: ["user_events"] }),
    attempt("x", { queue: "voice_events" }),
  ]
  using together = historyOf(facts)
  using apart = historyOf([])
  for (const fact of facts) apart.apply([batchOf([fact])], START)
  for (const projection of [together, apart]) {
    const statuses = projection.list({ limit: 10 }).items.map(({ type, status }) => [type, status])
    expect(statuses).toEqual([
      ["user", "pending"],
      ["voice", "completed"],
    ])
  }
})

test("a caller within a space finds its own publication of an id, whatever others published with it", () => {
  using projection = historyOf([
    published({ id: "x", type: "voice", routing_key: "events.voice.a" }),
    published({ id: "x", type: "user", routing_key: "events.user.a" }, { at: START + 5 }),
  ])
  expect(projection.lookup("x", ["events.voice"])).toMatchObject({ type: "voice", publications: 1 })
  expect(projection.lookup("x")).toMatchObject({ type: "user", publications: 2 })
})
