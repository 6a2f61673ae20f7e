import { describe, expect, test } from "bun:test"
import type { EngineStatus } from "../../../src/engine/engine.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { deadLetterRecord } from "../../support/failure-record.ts"
import { HeldLog } from "../../support/held-log.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { storedRows } from "../../support/stored-rows.ts"
import { waitUntil } from "../../support/wait-until.ts"
import { commitsInLog } from "../../support/write-ahead-log.ts"

async function openHeld(store: EmbeddedStore, changes: EngineStatus[] = []) {
  const log = new HeldLog()
  const engine = store.open({ openLog: () => log, onStatusChange: (status) => changes.push(status) })
  const declared = engine.declareQueues([queueDeclaration("calls")])
  await waitUntil(() => log.waiting === 1, "the declaration to be written")
  log.end()
  await declared
  return { engine, log }
}

/** Leaves a dead letter on the queue. */
async function buryOne(store: EmbeddedStore): Promise<void> {
  const engine = store.open()
  await engine.declareQueues([queueDeclaration("calls")])
  await engine.publish(newCall())
  await (await new Inbox(engine, "calls").next()).deadLetter(deadLetterRecord())
  await engine.close()
}

const newCall = () => newEvent({ routing_key: "calls" })

describe("until the log is synced", () => {
  test("a written publish is not confirmed", async () => {
    await using store = new EmbeddedStore()
    const { engine, log } = await openHeld(store)
    const before = commitsInLog(store.dataDir)
    const published = engine.publish(newCall())
    await waitUntil(() => log.waiting === 1, "the sync to begin")
    expect(commitsInLog(store.dataDir) - before).toBe(1)
    await Bun.sleep(0)
    expect(Bun.peek.status(published)).toBe("pending")
    log.letGo()
    await published
  })

  test("nothing is delivered, and an ack does not resolve", async () => {
    await using store = new EmbeddedStore()
    const { engine, log } = await openHeld(store)
    const published = engine.publish(newCall())
    const inbox = new Inbox(engine, "calls")
    await waitUntil(() => log.waiting === 1, "the sync to begin")
    await Bun.sleep(0)
    expect(inbox.unread).toEqual([])
    log.end()
    await published
    const delivery = await inbox.next()
    const acked = delivery.ack()
    await waitUntil(() => log.waiting === 1, "the sync of the ack to begin")
    await Bun.sleep(0)
    expect(Bun.peek.status(acked)).toBe("pending")
    log.letGo()
    await acked
  })

  test("further publishes are collected for one commit", async () => {
    await using store = new EmbeddedStore()
    const { engine, log } = await openHeld(store)
    const first = engine.publish(newCall())
    await waitUntil(() => log.waiting === 1, "the sync to begin")
    const before = commitsInLog(store.dataDir)
    const others = []
    for (let i = 0; i < 10; i++) {
      others.push(engine.publish(newCall()))
      await Bun.sleep(0)
    }
    expect(commitsInLog(store.dataDir)).toBe(before)
    log.letGo()
    await Promise.all([first, ...others])
    expect(commitsInLog(store.dataDir) - before).toBe(1)
  })

  test("the engine does not close, and finishes earlier requests", async () => {
    await using store = new EmbeddedStore()
    const { engine, log } = await openHeld(store)
    const first = engine.publish(newCall())
    await waitUntil(() => log.waiting === 1, "the sync to begin")
    const second = engine.publish(newCall())
    const closed = engine.close()
    await Bun.sleep(0)
    expect(Bun.peek.status(closed)).toBe("pending")
    log.letGo()
    await Promise.all([first, second, closed])
    expect(storedRows(store.dataDir)).toMatchObject({ messages: 2 })
  })
})

test("an engine whose log can't be synced fails: nothing more is confirmed", async () => {
  await using store = new EmbeddedStore()
  const changes: EngineStatus[] = []
  const { engine, log } = await openHeld(store, changes)
  const inbox = new Inbox(engine, "calls", 1)
  const published = engine.publish(newCall())
  await waitUntil(() => log.waiting === 1, "the sync to begin")
  log.end()
  await published
  const delivery = await inbox.next()

  const inDoubt = engine.publish(newCall())
  const acked = delivery.ack()
  await waitUntil(() => log.waiting === 1, "the next sync to begin")
  const notWritten = engine.publish(newCall())
  const settled = Promise.allSettled([inDoubt, notWritten, acked])
  log.end(new Error("EIO: i/o error, fdatasync"))
  expect(await settled).toMatchObject([
    { reason: { code: "engine-unavailable", outcome: "unknown" } },
    { reason: { code: "engine-unavailable", outcome: "not-stored" } },
    { reason: { message: expect.stringContaining("can't be synced") } },
  ])
  const reason = "the store can't be synced: EIO: i/o error, fdatasync"
  expect(changes).toEqual([{ state: "failed", reason }])
  await expect(engine.publish(newCall())).rejects.toMatchObject({
    code: "engine-unavailable",
    outcome: "not-stored",
    message: reason,
  })
  await engine.close()
})

test("a redrive whose sync fails also fails the engine, and reports it", async () => {
  await using store = new EmbeddedStore()
  await buryOne(store)
  const { engine, log } = await openHeld(store)
  const redriven = Promise.allSettled([engine.redrive("calls", {})])
  await waitUntil(() => log.waiting === 1, "the sync to begin")
  const notWritten = Promise.allSettled([engine.publish(newCall())])
  log.end(new Error("EIO: i/o error, fdatasync"))
  expect(await redriven).toMatchObject([{ reason: { name: "EngineUnavailableError" } }])
  expect(await notWritten).toMatchObject([{ reason: { code: "engine-unavailable", outcome: "not-stored" } }])
  expect(engine.status().state).toBe("failed")
  await expect(engine.purgeDeadLetters("calls", {})).rejects.toMatchObject({ name: "EngineUnavailableError" })
})

test("a thread pool kept busy by handlers does not delay a publish", async () => {
  await using store = new EmbeddedStore()
  const engine = store.open()
  await engine.declareQueues([queueDeclaration("calls")])
  let hashed = 0
  // Each takes a thread for most of a second, and there are more of them than threads.
  const hashes = Array.from({ length: navigator.hardwareConcurrency * 3 }, async () => {
    await Bun.password.hash("secret", { algorithm: "argon2id", memoryCost: 65_536, timeCost: 20 })
    hashed++
  })
  await engine.publish(newCall())
  expect(hashed).toBe(0)
  await Promise.all(hashes)
}, 60_000)
