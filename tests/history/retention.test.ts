import { expect, test } from "bun:test"
import { statSync } from "node:fs"
import { join } from "node:path"
import { Projection } from "../../src/history/projection.ts"
import type { HistoryLimits } from "../../src/history/retention.ts"
import { attempt, batchOf, published, ROOMY, START } from "../support/facts.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

const MINUTE = 60_000

function retain(projection: Projection, now: number): void {
  while (projection.retain(now)) {
    // One more step.
  }
}

const sizeOf = (file: string): number =>
  [file, `${file}-wal`].reduce((sum, each) => sum + (statSync(each, { throwIfNoEntry: false })?.size ?? 0), 0)

test("events older than the retention are deleted with everything of them, to the minute", () => {
  const limits: HistoryLimits = { ...ROOMY, retentionMs: 10 * MINUTE }
  using projection = Projection.open(":memory:", limits)
  for (let minute = 0; minute < 20; minute += 2) {
    const at = START + minute * MINUTE
    projection.apply([batchOf([published({ id: `${minute}` }, { at }), attempt(`${minute}`, { at })])], at)
  }
  retain(projection, START + 20 * MINUTE)
  expect(projection.list({ limit: 99, newestFirst: false }).items.map(({ id }) => id)).toEqual([
    "10",
    "12",
    "14",
    "16",
    "18",
  ])
  expect(projection.lookup("8")).toBeNull()
  retain(projection, START + 90 * MINUTE)
  expect(projection.list({ limit: 99 })).toEqual({ items: [], cursor: null })
  expect(projection.unfinished()).toEqual([])
})

test("a cursor whose event was deleted goes on behind it, and numbers are never used again", () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "history.db")
  const limits: HistoryLimits = { ...ROOMY, retentionMs: MINUTE }
  let cursor: string | null
  {
    using projection = Projection.open(file, limits)
    projection.apply([batchOf([published({ id: "a" }), published({ id: "b" })])], START)
    cursor = projection.list({ limit: 1, newestFirst: false }).cursor
    retain(projection, START + 10 * MINUTE)
  }
  using again = Projection.open(file, limits)
  again.apply([batchOf([published({ id: "c" }, { at: START + 10 * MINUTE })])], START + 10 * MINUTE)
  expect(again.list({ limit: 9, newestFirst: false, cursor: cursor ?? "" }).items).toMatchObject([
    { id: "c" },
  ])
})

test("an event whose clock is ahead is not kept for ever", () => {
  using projection = Projection.open(":memory:", { ...ROOMY, retentionMs: MINUTE })
  projection.apply([batchOf([published({ id: "a" }, { at: START * 2 })])], START)
  retain(projection, START + 2 * MINUTE)
  expect(projection.lookup("a")).toBeNull()
})

test("facts about an event that was deleted do not bring it back, before or after a restart", () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "history.db")
  const limits: HistoryLimits = { ...ROOMY, retentionMs: MINUTE }
  const late = START + 10 * MINUTE
  {
    using projection = Projection.open(file, limits)
    projection.apply([batchOf([published({ id: "a" }), published({ id: "b" })])], START)
    retain(projection, late)
    projection.apply([batchOf([attempt("a", { at: late, published_at: START })])], late)
    expect(projection.lookup("a")).toBeNull()
  }
  using again = Projection.open(file, limits)
  again.apply([batchOf([attempt("b", { at: late, published_at: START })])], late)
  again.apply([batchOf([attempt("c", { at: late, published_at: late })])], late)
  expect(again.list({ limit: 9 }).items).toMatchObject([{ id: "c" }])
})

test("an event that is large beside the bound of the file is kept without its content", () => {
  using projection = Projection.open(":memory:", { ...ROOMY, maxBytes: 16_000_000 })
  const payload = { text: "x".repeat(1_000_000) }
  projection.apply([batchOf([published({ id: "small" }), published({ id: "large", payload })])], START)
  expect(projection.lookup("small")?.body).toBeString()
  expect(projection.lookup("large")).toMatchObject({ name: "tested", body: null })
})

test("the file and its log stay below their bound, and the newest events are kept", () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "history.db")
  const maxBytes = 16_000_000
  using projection = Projection.open(file, { ...ROOMY, maxBytes })
  let largest = 0
  const padding = "x".repeat(1_500)
  for (let round = 0; round < 40; round++) {
    const facts = Array.from({ length: 500 }, (_, place) => {
      const id = Bun.randomUUIDv7()
      return [published({ id, name: `n${round}`, payload: { place, padding } }), attempt(id)]
    })
    projection.apply([batchOf(facts.flat())], START + round)
    retain(projection, START + round)
    largest = Math.max(largest, sizeOf(file))
  }
  expect(largest).toBeLessThan(maxBytes)
  expect(largest).toBeGreaterThan(maxBytes * 0.8)
  expect(projection.list({ limit: 1 }).items).toMatchObject([{ name: "n39" }])
  expect(projection.list({ limit: 1_000, names: ["n36"] }).items.length).toBeGreaterThan(0)
})

test("a lower bound shrinks the file", () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "history.db")
  const payload = { padding: "x".repeat(1_500) }
  {
    using projection = Projection.open(file, ROOMY)
    for (let round = 0; round < 10; round++) {
      projection.apply([batchOf(Array.from({ length: 1_100 }, () => published({ payload })))], START)
    }
  }
  expect(sizeOf(file)).toBeGreaterThan(16_000_000)
  {
    using projection = Projection.open(file, { ...ROOMY, maxBytes: 8_000_000 })
    retain(projection, START)
    expect(projection.list({ limit: 1 }).items.length).toBe(1)
  }
  expect(sizeOf(file)).toBeLessThan(8_000_000)
})
