import { describe, expect, test } from "bun:test"
import { HistoryCursorError } from "../../src/history/errors.ts"
import type { EventFilter, Page } from "../../src/history/history-query.ts"
import type { Projection } from "../../src/history/projection.ts"
import { attempt, batchOf, historyOf, published, START } from "../support/facts.ts"

const TRACE = "0af7651916cd43dd8448eb211c80319c"

const EVENTS = () =>
  historyOf([
    published(
      {
        id: "call",
        type: "voice",
        name: "call.ended",
        ordering_key: "k",
        payload: { said: 'the "Umlaut" Ü' },
      },
      { queues: ["voice_events", "audit"], trace: `00-${TRACE}-b7ad6b7169203331-01` },
    ),
    attempt("call", { queue: "voice_events" }),
    published(
      { id: "login", type: "user", name: "login", routing_key: "tenants.a.login", payload: { n: 3 } },
      { at: START + 1_000, queues: ["user_events"] },
    ),
    attempt("login", { queue: "user_events", outcome: "dead-letter", reason: "rejected" }),
    published(
      { id: "alert", name: "call", metadata: { said: "Umlaut" } },
      { at: START + 2_000, caused_by: "call" },
    ),
    attempt("alert", { outcome: "retry", reason: "error", next_at: START + 9_000 }),
    published({ id: "late", routing_key: "tenants.ab.x" }, { at: START + 3_000, caused_by: "call" }),
    attempt("unknown"),
  ])

const filters: readonly (readonly [string, EventFilter, readonly string[]])[] = [
  ["types", { types: ["voice", "user"] }, ["login", "call"]],
  ["names", { names: ["call", "tested"] }, ["late", "alert"]],
  ["queues", { queues: ["audit", "nowhere"] }, ["call"]],
  ["states", { states: ["handled"] }, ["unknown", "call"]],
  ["failed states", { states: ["dead", "expired"] }, ["login"]],
  ["a queue with a state", { queues: ["audit"], states: ["handled"] }, []],
  ["status pending", { status: "pending" }, ["late"]],
  ["status processing", { status: "processing" }, ["alert", "call"]],
  ["status completed", { status: "completed" }, []],
  ["status unknown", { status: "unknown" }, ["unknown"]],
  ["status failed", { status: "failed" }, ["login"]],
  ["since", { since: START + 2_000 }, ["late", "alert"]],
  ["until", { since: 1, until: START + 100 }, ["call"]],
  ["an ordering key", { orderingKey: "k" }, ["call"]],
  ["a trace", { trace: TRACE }, ["call"]],
  ["a cause", { causedBy: "call" }, ["late", "alert"]],
  ["a cause with a name", { causedBy: "call", names: ["call"] }, ["alert"]],
  ["text of the payload alone", { text: "Umlaut" }, ["call"]],
  ["text with quotes", { text: '"Umlaut" Ü' }, ["call"]],
  ["text in another case", { text: "umlaut" }, []],
  ["text across fields", { text: '"n":3' }, ["login"]],
  ["a space", { within: ["tenants.a", "events.voice"] }, ["login", "call"]],
  ["an empty space", { within: [] }, []],
]

describe("a list", () => {
  test("tells events that all of their queues have handled from those whose queues are not known", () => {
    using projection = historyOf([
      published({ id: "known" }),
      attempt("known"),
      attempt("lost"),
      attempt("lost dead", { outcome: "dead-letter", reason: "rejected" }),
      attempt("lost retrying", { outcome: "retry", reason: "error", next_at: START + 9_000 }),
    ])
    const statuses = ["pending", "processing", "completed", "failed", "unknown"] as const
    const ids = statuses.map((status) => projection.list({ status, limit: 9 }).items.map(({ id }) => id))
    expect(ids).toEqual([[], ["lost retrying"], ["known"], [], ["lost dead", "lost"]])
    for (const [place, status] of statuses.entries())
      for (const id of ids[place] ?? []) expect(projection.lookup(id)?.status).toBe(status)
  })

  test.each(filters)("selects by %s", (_, filter, ids) => {
    using projection = EVENTS()
    expect(projection.list({ ...filter, limit: 10 })).toMatchObject({
      items: ids.map((id) => ({ id })),
      cursor: null,
    })
    expect(projection.list({ ...filter, limit: 10, newestFirst: false }).items.map(({ id }) => id)).toEqual(
      ids.toReversed(),
    )
    const withBody = ids.filter((id) => id !== "unknown")
    expect(projection.select(filter, 10).items.map(({ id }) => id)).toEqual(withBody.toReversed())
  })

  test("goes on where it was while new events arrive", () => {
    using projection = historyOf(Array.from({ length: 5 }, (_, place) => published({ id: `${place}` })))
    const older = readAll(projection, (cursor) => projection.list({ limit: 2, cursor }))
    expect(older).toEqual(["4", "3", "2", "1", "0"])
    const newer = readAll(projection, (cursor) => projection.list({ limit: 2, cursor, newestFirst: false }))
    expect(newer).toEqual(["0", "1", "2", "3", "4", "new 0", "new 1", "new 2", "new 3", "new 4"])
  })

  test("finds each of thousands of events once, in any order and with any filter", () => {
    const count = 4_321
    const rare = (place: number): boolean => place % 1_000 === 7
    using projection = historyOf(
      Array.from({ length: count }, (_, place) =>
        published(
          { id: `${place}`, ...(rare(place) && { ordering_key: "rare" }) },
          { at: START + place, queues: [rare(place) ? "rare" : "usual"] },
        ),
      ),
    )
    const all = Array.from({ length: count }, (_, place) => `${place}`)
    expect(idsOf(projection, {})).toEqual(all)
    for (const filter of [
      { orderingKey: "rare" },
      { queues: ["rare"] },
      { since: START + 7, queues: ["rare"] },
    ]) {
      expect(idsOf(projection, filter)).toEqual(all.filter((_, place) => rare(place)))
    }
  })

  test("refuses a cursor that is none", () => {
    using projection = EVENTS()
    expect(() => projection.list({ limit: 1, cursor: "nonsense" })).toThrow(HistoryCursorError)
  })

  test("goes on in the history of another instance by time", () => {
    const facts = ["a", "b", "c", "d"].map((id, place) => published({ id }, { at: START + place }))
    using one = historyOf(facts)
    using other = historyOf([published({ id: "before" }, { at: START - 1 }), ...facts])
    const { cursor } = one.list({ limit: 2 })
    expect(other.list({ limit: 1, cursor: cursor ?? "" }).items).toMatchObject([{ id: "b" }])
  })
})

test("a lookup shows what an event caused, within the caller's space", () => {
  using projection = EVENTS()
  expect(projection.lookup("call")).toMatchObject({ caused: ["alert", "late"], hasMoreCaused: false })
  expect(projection.lookup("call", ["events"])).toMatchObject({ caused: ["alert"] })
  expect(projection.lookup("login", ["events"])).toBeNull()
  expect(projection.lookup("unknown", ["events"])).toBeNull()
  projection.apply([batchOf(Array.from({ length: 100 }, () => published({}, { caused_by: "call" })))], START)
  const { caused, hasMoreCaused } = projection.lookup("call") ?? {}
  expect([caused?.length, hasMoreCaused]).toEqual([100, true])
})

test("a selection for a replay is bounded in bytes", () => {
  const text = "x".repeat(400_000)
  using projection = historyOf(
    Array.from({ length: 5 }, (_, place) => published({ id: `${place}`, payload: { text } })),
  )
  const first = projection.select({}, 1_000)
  expect(first.items.map(({ id }) => id)).toEqual(["0", "1", "2"])
  expect(projection.select({}, 1_000, first.cursor ?? "").items.map(({ id }) => id)).toEqual(["3", "4"])
})

let added = 0

/** Reads at most five pages, and adds an event after each. */
function readAll(projection: Projection, next: (cursor?: string) => Page<{ readonly id: string }>): string[] {
  const ids: string[] = []
  let cursor: string | undefined
  for (let page = 0; page < 5; page++) {
    const { items, cursor: following } = next(cursor)
    ids.push(...items.map(({ id }) => id))
    if (following === null) break
    cursor = following
    projection.apply([batchOf([published({ id: `new ${added++}` })])], START)
  }
  return ids
}

function idsOf(projection: Projection, filter: EventFilter): string[] {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = projection.list({ ...filter, limit: 100, newestFirst: false, cursor })
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.cursor ?? undefined
  } while (cursor !== undefined)
  return ids
}
