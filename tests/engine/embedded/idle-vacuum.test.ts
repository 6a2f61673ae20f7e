import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { statSync } from "node:fs"
import { join } from "node:path"
import type { EmbeddedEngine } from "../../../src/engine/embedded/embedded-engine.ts"
import { DATABASE_FILE } from "../../../src/engine/embedded/store/database.ts"
import { compactStore } from "../../../src/engine/embedded/store/maintenance.ts"
import type { EngineStatus } from "../../../src/engine/engine.ts"
import { breakPage } from "../../support/damage.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { statsOf } from "../../support/queue-stats.ts"
import { waitUntil } from "../../support/wait-until.ts"

const MEBIBYTE = 1_048_576
const EVENTS = 2_000
const BODY_BYTES = 10_000

/**
 * The pointer map page for 819 pages. Only the vacuum reads it.
 * Source: sqlite.org/fileformat2.html, section 1.8.
 */
const SECOND_POINTER_MAP = 2 + 820

const fileBytes = (store: EmbeddedStore): number => statSync(join(store.dataDir, DATABASE_FILE)).size

async function publishMany(engine: EmbeddedEngine): Promise<void> {
  await engine.declareQueues([queueDeclaration("calls")])
  const payload = { text: "x".repeat(BODY_BYTES) }
  await Promise.all(
    Array.from({ length: EVENTS }, () => engine.publish(newEvent({ routing_key: "calls", payload }))),
  )
}

/** Acks all but every tenth event. */
async function ackMost(engine: EmbeddedEngine): Promise<void> {
  const deliveries = await new Inbox(engine, "calls", EVENTS).take(EVENTS)
  await Promise.all(deliveries.flatMap((delivery, i) => (i % 10 === 0 ? [] : [delivery.ack()])))
}

/** Gives the store the format from before incremental vacuum. */
function giveOldFormat(store: EmbeddedStore): void {
  using database = new Database(join(store.dataDir, DATABASE_FILE))
  database.run("PRAGMA journal_mode = DELETE")
  database.run("PRAGMA auto_vacuum = NONE")
  database.run("VACUUM")
}

test("a store whose events are handled shrinks by itself, and keeps the remaining events", async () => {
  await using store = new EmbeddedStore()
  const engine = store.open()
  await publishMany(engine)
  await waitUntil(() => fileBytes(store) > 8 * MEBIBYTE, "the log to be copied")
  await ackMost(engine)
  await waitUntil(() => fileBytes(store) < 4 * MEBIBYTE, "the file to shrink")
  await engine.close()
  expect(await statsOf(store.open(), "calls")).toMatchObject({ messageCount: EVENTS / 10 })
}, 60_000)

test("a store with damage that only the vacuum meets fails once", async () => {
  await using store = new EmbeddedStore()
  const engine = store.open()
  await publishMany(engine)
  await ackMost(engine)
  await engine.close()
  breakPage(store.dataDir, SECOND_POINTER_MAP)
  const changes: EngineStatus[] = []
  store.open({ onStatusChange: (status) => changes.push(status) })
  await waitUntil(() => changes.length > 0, "the vacuum to meet the damage")
  expect(changes).toEqual([{ state: "failed", reason: expect.stringContaining("the store is damaged") }])
}, 60_000)

test("a store in the old format is logged until it is compacted", async () => {
  await using store = new EmbeddedStore()
  const notices: string[] = []
  const open = () => store.open({ report: (_level, message) => notices.push(message) })
  const engine = open()
  await publishMany(engine)
  await engine.close()
  giveOldFormat(store)
  const old = open()
  expect(notices).toEqual([expect.stringContaining("event-broker store compact")])
  await ackMost(old)
  await old.close()
  const { bytesBefore, bytesAfter } = compactStore(store.dataDir)
  expect(bytesBefore).toBeGreaterThan(8 * MEBIBYTE)
  expect(bytesAfter).toBeLessThan(4 * MEBIBYTE)
  expect(await statsOf(open(), "calls")).toMatchObject({ messageCount: EVENTS / 10 })
  expect(notices).toHaveLength(1)
}, 60_000)
