import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { DATABASE_FILE } from "../../../src/engine/embedded/store/database.ts"
import { deadLettersOf } from "../../support/dead-letters-of.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { statsOf } from "../../support/queue-stats.ts"
import { RecordedStatements } from "../../support/recorded-statements.ts"

const TURN_SIZE = 10_000
const TEST_TIMEOUT_MS = 60_000

interface Work {
  /** The SQL of every executed statement, sorted. */
  readonly runs: readonly string[]
  /** SQLite's plan for each of them on a store of this depth. */
  readonly plans: ReadonlyMap<string, readonly string[]>
}

/** Sends a few events through every operation, in a queue in which `depth` others wait. */
async function workAt(depth: number): Promise<Work> {
  await using store = new EmbeddedStore()
  using recorded = new RecordedStatements()
  // The clock advances only when the test moves it, so nothing unexpected happens.
  let now = Date.now()
  const engine = store.open({ time: { wall: () => now, monotonic: () => now, boot: () => null } })
  await engine.declareQueues([
    queueDeclaration("deep", { bindings: ["deep", "shared"], maxLength: depth, overflow: "drop-head" }),
    queueDeclaration("twin", { bindings: ["shared"] }),
  ])
  for (let stored = 0; stored < depth; stored += TURN_SIZE) {
    const turn = Array.from({ length: Math.min(TURN_SIZE, depth - stored) }, () =>
      newEvent({ routing_key: "deep" }),
    )
    await Promise.all(turn.map((event) => engine.publish(event)))
  }
  expect(await statsOf(engine, "deep")).toMatchObject({ messageCount: depth })
  recorded.take()

  // A publish to the full queue drops its oldest event.
  await engine.publish(newEvent({ routing_key: "shared", priority: "critical" }))
  const inbox = new Inbox(engine, "deep", 1)
  await (await inbox.next()).ack()
  await (await inbox.next()).deadLetter(deadLetterRecord())
  await (await inbox.next()).retry(1, failureRecord())
  const held = await inbox.next()
  // The turn after the clock has moved makes the retry ready, and checks for expired events.
  now += 1_000
  await engine.publish(newEvent({ routing_key: "deep" }))
  inbox.subscription.cancel()
  await held.release()
  await deadLettersOf(engine, "deep", { limit: 10 })
  await engine.queueStats()

  // The periodic check of the disk queries the store's size.
  const runs = recorded.take().filter((sql) => !/^(BEGIN|COMMIT|PRAGMA)/.test(sql))
  await engine.close()
  return { runs: runs.toSorted(), plans: plansOf(join(store.dataDir, DATABASE_FILE), new Set(runs)) }
}

function plansOf(file: string, statements: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  using database = new Database(file)
  return new Map(
    [...statements].map((sql) => {
      const steps = database.query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql}`).all()
      return [sql, steps.map(({ detail }) => detail)]
    }),
  )
}

describe("the work per event", () => {
  test(
    "runs the same statements with the same plans, none of which scans a table, however deep the queue",
    async () => {
      const shallow = await workAt(1_000)
      const deep = await workAt(100_000)
      expect(deep.runs).toEqual(shallow.runs)
      expect(deep.plans).toEqual(shallow.plans)
      expect(deep.runs.length).toBeGreaterThan(20)
      for (const [sql, plan] of deep.plans) {
        for (const step of plan) expect(step).not.toMatch(/^SCAN|TEMP B-TREE/)
        // A seek followed by a long walk would be no cheaper: each SELECT ends after a few rows.
        if (sql.startsWith("SELECT")) expect(sql).toMatch(/ LIMIT |^SELECT min\(/)
      }
    },
    TEST_TIMEOUT_MS,
  )
})
