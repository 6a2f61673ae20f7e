import { describe, expect, test } from "bun:test"
import { closeSync, openSync, readFileSync, readSync, rmSync, statSync, writeSync } from "node:fs"
import { join } from "node:path"
import type { EmbeddedEngine } from "../../../src/engine/embedded/embedded-engine.ts"
import { DATABASE_FILE } from "../../../src/engine/embedded/store/database.ts"
import type { EngineStatus } from "../../../src/engine/engine.ts"
import { ChildProcess } from "../../support/child-process.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { storedRows } from "../../support/stored-rows.ts"
import { waitUntil } from "../../support/wait-until.ts"
import { hasLogHeader } from "../../support/write-ahead-log.ts"

const PUBLISH_UNTIL_KILLED = new URL("../../support/publish-until-killed.ts", import.meta.url)

const logOf = (store: EmbeddedStore): string => join(store.dataDir, `${DATABASE_FILE}-wal`)

async function openWithQueue(
  store: EmbeddedStore,
  onStatusChange: (status: EngineStatus) => void = () => {},
) {
  const engine = store.open({ onStatusChange })
  await engine.declareQueues([queueDeclaration("calls")])
  return engine
}

const publish = (engine: EmbeddedEngine, bytes = 0) =>
  engine.publish(newEvent({ routing_key: "calls", payload: { text: "x".repeat(bytes) } }))

/** Leaves a log with confirmed commits. Returns the number of events. */
async function leaveLog(store: EmbeddedStore): Promise<number> {
  await using child = new ChildProcess(PUBLISH_UNTIL_KILLED, [store.dataDir])
  await child.printed(200)
  await child.kill()
  return child.lines.length
}

describe("a log of 16 MiB", () => {
  test("is copied into the database, and is invalid on the disk until SQLite restarts it", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueue(store)
    await Promise.all(Array.from({ length: 200 }, () => publish(engine, 100_000)))
    await waitUntil(() => !hasLogHeader(store.dataDir), "the log to be copied")
    expect(statSync(join(store.dataDir, DATABASE_FILE)).size).toBeGreaterThan(15_000_000)
    await publish(engine)
    expect(hasLogHeader(store.dataDir)).toBe(true)
    await engine.close()
  })

  test("that one turn made much longer is truncated with the next turn", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueue(store)
    await Promise.all(Array.from({ length: 400 }, () => publish(engine, 100_000)))
    expect(statSync(logOf(store)).size).toBeGreaterThan(40_000_000)
    await waitUntil(() => !hasLogHeader(store.dataDir), "the log to be copied")
    await publish(engine)
    expect(statSync(logOf(store)).size).toBeLessThan(26_000_000)
    await engine.close()
  })
})

describe("a closed store", () => {
  test("is one file that contains everything", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueue(store)
    for (let i = 0; i < 100; i++) await publish(engine)
    await engine.close()
    expect(await Bun.file(logOf(store)).exists()).toBe(false)
    expect(storedRows(store.dataDir)).toMatchObject({ events: 100 })
  })
})

describe("a start that finds confirmed commits missing logs a warning", () => {
  const warned: EngineStatus = {
    state: "ready",
    warning: expect.stringMatching(/^the last \d+ commits of the store are missing/),
  }

  test("if a bit of the log was flipped", async () => {
    await using store = new EmbeddedStore()
    await leaveLog(store)
    const file = openSync(logOf(store), "r+")
    const at = Math.floor(statSync(logOf(store)).size / 2)
    const byte = Buffer.alloc(1)
    readSync(file, byte, 0, 1, at)
    writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at)
    closeSync(file)
    expect(store.open().status()).toEqual(warned)
  })

  test("once if the log was deleted, and continues with what is left", async () => {
    await using store = new EmbeddedStore()
    await (await openWithQueue(store)).close()
    await leaveLog(store)
    rmSync(logOf(store))
    const engine = store.open()
    expect(engine.status()).toEqual(warned)
    await publish(engine)
    await engine.close()
    const next = store.open()
    expect(next.status()).toEqual({ state: "ready" })
    expect(storedRows(store.dataDir)).toMatchObject({ events: 1 })
  })

  test("but not after a kill without damage", async () => {
    await using store = new EmbeddedStore()
    await leaveLog(store)
    expect(store.open().status()).toEqual({ state: "ready" })
  })
})

describe("a store whose files are removed while it is open", () => {
  test("fails, whether or not anything is published", async () => {
    await using store = new EmbeddedStore()
    const changes: EngineStatus[] = []
    const engine = await openWithQueue(store, (status) => changes.push(status))
    await publish(engine)
    rmSync(store.dataDir, { recursive: true })
    await waitUntil(() => changes.length > 0, "the engine to find its files gone")
    expect(changes).toEqual([{ state: "failed", reason: expect.stringContaining("was removed or replaced") }])
  })

  test("confirms nothing afterwards", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueue(store)
    await publish(engine)
    rmSync(store.dataDir, { recursive: true })
    const [result] = await Promise.allSettled([publish(engine)])
    expect(result).toMatchObject({ status: "rejected", reason: { code: "engine-unavailable" } })
  })
})

test("the store stays locked by its process even if a handler opens and closes all of its files", async () => {
  await using store = new EmbeddedStore()
  const engine = await openWithQueue(store)
  for (const file of [DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`, "event-broker.lock"]) {
    readFileSync(join(store.dataDir, file))
  }
  await using child = new ChildProcess(new URL("../../support/open-store.ts", import.meta.url), [
    store.dataDir,
  ])
  const { code, errors } = await child.exited()
  expect(code).not.toBe(0)
  expect(errors).toContain("is in use by another process")
  await publish(engine)
  await engine.close()
  expect(storedRows(store.dataDir)).toMatchObject({ events: 1 })
})
