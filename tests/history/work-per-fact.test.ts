import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { join } from "node:path"
import { Projection } from "../../src/history/projection.ts"
import { attempt, batchOf, published, ROOMY, START } from "../support/facts.ts"
import { newEvent } from "../support/new-event.ts"
import { RecordedStatements } from "../support/recorded-statements.ts"
import { storedLine, storeWith } from "../support/stored-publications.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

const QUEUE = "custom_events"

test("no fact of one event reads all events, also if several have its id", () => {
  using folder = temporaryFolder()
  using store = storeWith([{ event: newEvent({ id: "same" }) }, { event: newEvent({ id: "same" }) }])
  const file = join(folder.path, "history.db")
  using recorded = new RecordedStatements()
  const projection = Projection.open(file, ROOMY, store.file)
  recorded.take()
  const retry = attempt("same", { outcome: "retry", reason: "error", next_at: START + 900 })
  const dead = attempt("same", { attempt: 2, outcome: "dead-letter", reason: "error" })
  const facts = [
    [published({ id: "same" })],
    [retry, dead, attempt("same"), attempt("same"), attempt("other")],
    [{ fact: "redriven", at: START + 300, id: "same", queue: QUEUE }],
    [{ fact: "purged", at: START + 400, queue: QUEUE, from: "queue", ids: ["same"] }],
  ] as const
  const text = storedLine(START, [QUEUE], 0, 1)
  projection.apply([{ token: "stored", position: "", text }, ...facts.map((each) => batchOf(each))], START)
  const statements = new Set(recorded.take())
  projection.close()
  expect(statements.size).toBeGreaterThan(10)
  using database = new Database(file)
  database.run("ATTACH ? AS store", [store.file])
  for (const sql of statements) {
    const steps = database.query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql}`).all()
    for (const { detail } of steps)
      expect(`${detail}: ${sql}`).not.toMatch(/^(MATERIALIZE|SCAN (events|deliveries|tokens)\b)/)
  }
})

test("a fact is matched against the latest of many events with its id", () => {
  using projection = Projection.open(":memory:", ROOMY)
  projection.apply(
    [batchOf(Array.from({ length: 20 }, () => published({ id: "same" }))), batchOf([attempt("same")])],
    START,
  )
  const states = projection.list({ limit: 99, newestFirst: false }).items.map(({ status }) => status)
  expect(states.indexOf("completed")).toBe(4)
  expect(states.filter((status) => status === "completed")).toHaveLength(1)
})
