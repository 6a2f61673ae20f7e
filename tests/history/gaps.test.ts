import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { join } from "node:path"
import { engineLine, type FactBatch, type GapFact } from "../../src/event/history-fact.ts"
import { type Gap, gapText } from "../../src/history/gaps.ts"
import { Projection } from "../../src/history/projection.ts"
import { attempt, batchOf, published, ROOMY, START } from "../support/facts.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

const MINUTE = 60_000

const batchOfGap = (gap: Omit<GapFact, "fact" | "is_open">, isOpen = false): FactBatch => {
  const text = engineLine({ fact: "gap", is_open: isOpen, ...gap })
  return { token: text, position: text, text }
}

test("gaps are joined, are kept across restarts, and replace those that are older than the retention", () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "history.db")
  const limits = { ...ROOMY, retentionMs: 10 * MINUTE }
  {
    using projection = Projection.open(file, limits)
    expect(projection.gap).toBeNull()
    projection.apply([batchOfGap({ at: START, since: START, reason: "one" }, true)], START)
    expect(projection.gap).toEqual({ since: START, until: START, isOpen: true, reason: "one" })
    projection.apply([batchOfGap({ at: START + MINUTE, since: START, reason: "one" })], START)
    expect(projection.gap).toEqual({ since: START, until: START + MINUTE, isOpen: false, reason: "one" })
    projection.apply(
      [batchOfGap({ at: START + 5 * MINUTE, since: START + 2 * MINUTE, reason: "two" })],
      START,
    )
  }
  using again = Projection.open(file, limits)
  expect(again.gap).toEqual({ since: START, until: START + 5 * MINUTE, isOpen: false, reason: "two" })
  again.apply([batchOfGap({ at: START + 6 * MINUTE, since: null, reason: "three" })], START)
  expect(again.gap).toEqual({ since: null, until: START + 6 * MINUTE, isOpen: false, reason: "three" })
  again.apply([batchOfGap({ at: START + 20 * MINUTE, since: START + 19 * MINUTE, reason: "four" })], START)
  expect(again.gap).toEqual({
    since: START + 19 * MINUTE,
    until: START + 20 * MINUTE,
    isOpen: false,
    reason: "four",
  })
})

test("a gap of facts that could not be applied is not known", () => {
  using projection = Projection.open(":memory:", ROOMY)
  const batch = batchOfGap({ at: START, since: START, reason: "one" })
  const broken = {
    ...batch,
    token: "broken",
    get text(): string {
      throw new Error("unreadable")
    },
  }
  expect(() => projection.apply([batch, broken], START)).toThrow("unreadable")
  expect(projection.gap).toBeNull()
})

test.each<Partial<GapFact>>([{ since: -1 }, { reason: "" }, { reason: "long".repeat(1_000) }])(
  "a gap with %j is no fact",
  (wrong) => {
    using projection = Projection.open(":memory:", ROOMY)
    const batch = batchOfGap({ at: START, since: START, reason: "one", ...wrong })
    expect(projection.apply([batch], START)).toEqual({ skipped: 1, repeated: 0 })
    expect(projection.gap).toMatchObject({ since: null, until: START })
  },
)

test("facts that can't be read leave a gap", () => {
  using projection = Projection.open(":memory:", ROOMY)
  projection.apply([batchOf([published({ id: "a" })]), { token: "t", position: "t", text: "{" }], START)
  const reason = "a part of it was damaged, or can't be read"
  expect(projection.gap).toEqual({ since: null, until: START, isOpen: false, reason })
  expect(projection.lookup("a")).not.toBeNull()
})

test("a gap is told as long as it is within the retention", () => {
  const until = Date.now() - MINUTE
  const at = new Date(until).toISOString()
  const since = until - MINUTE
  const reason = "the disk was full"
  const told = (gap: Partial<Gap>, retentionMs = 2 * MINUTE) =>
    gapText({ since: null, until, isOpen: false, reason, ...gap }, retentionMs)
  expect(gapText(null, MINUTE)).toBeNull()
  expect(told({})).toBe(`what happened before ${at} may be missing, because ${reason}`)
  expect(told({ since: until, isOpen: true })).toBe(
    `what happened from ${at} on may be missing, because ${reason}`,
  )
  expect(told({ since })).toBe(
    `what happened from ${new Date(since).toISOString()} to ${at} is missing in part, because ${reason}`,
  )
  expect(told({ since }, MINUTE / 2)).toBeNull()
  expect(told({ since: until, isOpen: true }, MINUTE / 2)).not.toBeNull()
})

test("a history of the format before has its events still", () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "history.db")
  const before = Projection.open(file, ROOMY)
  before.apply([batchOf([published({ id: "a" }), attempt("a")])], START)
  const known = before.lookup("a")
  before.close()
  {
    using database = new Database(file)
    for (const name of ["since", "until", "is_open", "reason"])
      database.run(`ALTER TABLE history DROP COLUMN gap_${name}`)
    database.run("PRAGMA user_version = 2")
  }
  using projection = Projection.open(file, ROOMY)
  expect(projection.lookup("a")).toEqual(known)
  expect(projection.gap).toBeNull()
})
