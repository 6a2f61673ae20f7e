import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import type { EmbeddedEngine } from "../../../src/engine/embedded/embedded-engine.ts"
import { DATABASE_FILE } from "../../../src/engine/embedded/store/database.ts"
import { backupStore, compactStore } from "../../../src/engine/embedded/store/maintenance.ts"
import type { Once } from "../../../src/engine/once.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { FakeTime } from "../../support/fake-time.ts"
import { HeldLog } from "../../support/held-log.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { statsOf } from "../../support/queue-stats.ts"
import { RecordedStatements } from "../../support/recorded-statements.ts"
import { temporaryFolder } from "../../support/temporary-folder.ts"
import { waitUntil } from "../../support/wait-until.ts"

const MINUTE_MS = 60_000

const onceBy = (id: string, windowMs = MINUTE_MS): { readonly once: Once } => ({
  once: { marks: [{ by: "id", hash: id, fingerprint: null }], windowMs },
})

const call = () => newEvent({ routing_key: "calls" })

async function withCalls(engine: EmbeddedEngine): Promise<EmbeddedEngine> {
  await engine.declareQueues([queueDeclaration("calls")])
  return engine
}

function receiptsIn(dataDir: string): number {
  using database = new Database(join(dataDir, DATABASE_FILE))
  const row = database.query<{ count: number }, []>("SELECT count(*) AS count FROM receipts").get()
  return row?.count ?? -1
}

const publishMany = (engine: EmbeddedEngine, prefix: string, count: number, windowMs = MINUTE_MS) =>
  Promise.all(
    Array.from({ length: count }, (_, n) => engine.publish(call(), onceBy(`${prefix}${n}`, windowMs))),
  )

describe("receipts", () => {
  test("cost a publish without marks no statement", async () => {
    using statements = new RecordedStatements()
    await using store = new EmbeddedStore()
    const engine = await withCalls(store.open())
    await engine.publish(call(), onceBy("a"))
    expect(statements.take().filter((sql) => sql.includes("receipts")).length).toBeGreaterThan(0)
    await Promise.all(Array.from({ length: 100 }, () => engine.publish(call())))
    expect(statements.take().filter((sql) => sql.includes("receipts"))).toEqual([])
  })

  test("are deleted after their window, while others are published and while nothing is", async () => {
    const time = new FakeTime()
    await using store = new EmbeddedStore()
    const engine = await withCalls(store.open({ time }))
    await publishMany(engine, "old", 5_000)
    time.pass(2 * MINUTE_MS)
    await publishMany(engine, "new", 10)
    await waitUntil(() => receiptsIn(store.dataDir) === 10, "the old receipts to be gone")
    expect(await engine.publish(call(), onceBy("new3"))).toMatchObject({ duplicate: true })
    expect(await engine.publish(call(), onceBy("old3"))).toBeNull()
  })

  test("are deleted a few at a time, and do not pile up", async () => {
    const time = new FakeTime()
    await using store = new EmbeddedStore()
    const engine = await withCalls(store.open({ time }))
    await publishMany(engine, "old", 4_000)
    time.pass(2 * MINUTE_MS)
    await publishMany(engine, "new", 100)
    const left = receiptsIn(store.dataDir) - 100
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThan(4_000)
  })

  test("keep their window if the clock jumps or the service is restarted, also with another window", async () => {
    const time = new FakeTime()
    await using store = new EmbeddedStore()
    const first = await withCalls(store.open({ time }))
    await first.publish(call(), onceBy("a"))
    time.jump(-3_600_000)
    time.pass(MINUTE_MS / 2)
    await first.close()
    const second = store.open({ time })
    expect(await second.publish(call(), onceBy("b", 10 * MINUTE_MS))).toBeNull()
    expect(await second.publish(call(), onceBy("a", 10 * MINUTE_MS))).toMatchObject({ duplicate: true })
    time.pass(MINUTE_MS)
    expect(await second.publish(call(), onceBy("a", 1_000))).toBeNull()
    expect(await second.publish(call(), onceBy("b", 1_000))).toMatchObject({ duplicate: true })
    time.pass(1_000)
    expect(await second.publish(call(), onceBy("a", 1_000))).toBeNull()
    await waitUntil(() => receiptsIn(store.dataDir) <= 3, "the expired receipts to be gone")
  })

  test("that are damaged are ignored: the event is stored again", async () => {
    await using store = new EmbeddedStore()
    const engine = await withCalls(store.open())
    await publishMany(engine, "", 3)
    await engine.close()
    {
      using database = new Database(join(store.dataDir, DATABASE_FILE))
      database.run("UPDATE receipts SET receipt = '{\"id\":' WHERE hash = '0'")
      database.run("UPDATE receipts SET expires_at = expires_at + 1 WHERE hash = '1'")
    }
    const reopened = store.open()
    const again = await publishMany(reopened, "", 3)
    expect(again.map((each) => each?.duplicate)).toEqual([undefined, undefined, true])
    expect(await publishMany(reopened, "", 3)).toMatchObject(Array(3).fill({ duplicate: true }))
  })

  test("survive a backup and a compaction", async () => {
    await using store = new EmbeddedStore()
    const engine = await withCalls(store.open())
    await publishMany(engine, "a", 10)
    await engine.close()
    using folder = temporaryFolder()
    backupStore(store.dataDir, folder.path)
    expect(receiptsIn(folder.path)).toBe(10)
    compactStore(store.dataDir)
    expect(await store.open().publish(call(), onceBy("a5"))).toMatchObject({ duplicate: true })
  })

  test("of a turn that could not be written are not kept", async () => {
    await using store = new EmbeddedStore()
    const engine = await withCalls(store.open())
    using broken = new Database(join(store.dataDir, DATABASE_FILE))
    broken.run("PRAGMA busy_timeout = 0")
    broken.run("BEGIN IMMEDIATE")
    const refused = engine.publish(call(), onceBy("a"))
    await expect(refused).rejects.toMatchObject({ code: "engine-unavailable", outcome: "not-stored" })
    broken.run("ROLLBACK")
    await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
    expect(await engine.publish(call(), onceBy("a"))).toBeNull()
    expect(await engine.publish(call(), onceBy("a"))).toMatchObject({ duplicate: true })
    expect((await statsOf(engine, "calls")).messageCount).toBe(1)
  })

  test("are confirmed with their event: a repetition waits for the sync of the first publish", async () => {
    const log = new HeldLog()
    await using store = new EmbeddedStore()
    const engine = store.open({ openLog: () => log })
    const declared = withCalls(engine)
    await waitUntil(() => log.waiting === 1, "the sync of the queue")
    log.end()
    await declared
    const confirmed: string[] = []
    const first = engine.publish(call(), onceBy("a")).then(() => confirmed.push("first"))
    await waitUntil(() => log.waiting === 1, "the sync of the first publish")
    const second = engine.publish(call(), onceBy("a")).then((repeats) => {
      confirmed.push(repeats?.duplicate === true ? "duplicate" : "second")
    })
    await Bun.sleep(20)
    expect(confirmed).toEqual([])
    log.letGo()
    await Promise.all([first, second])
    expect(confirmed).toEqual(["first", "duplicate"])
  })
})
