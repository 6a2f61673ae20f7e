import { describe, expect, test } from "bun:test"
import type { EmbeddedEngine } from "../../../src/engine/embedded/embedded-engine.ts"
import { ChildProcess } from "../../support/child-process.ts"
import { EmbeddedStore } from "../../support/embedded-store.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { storedRows } from "../../support/stored-rows.ts"
import { commitsInLog } from "../../support/write-ahead-log.ts"

async function openWithQueues(store: EmbeddedStore, queues: readonly string[]): Promise<EmbeddedEngine> {
  const engine = store.open()
  await engine.declareQueues(queues.map((name) => queueDeclaration(name, { bindings: [name, "shared"] })))
  return engine
}

const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

describe("a turn of the event loop", () => {
  test("commits a thousand publishes together", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueues(store, ["calls"])
    const before = commitsInLog(store.dataDir)
    await Promise.all(many(1_000, () => engine.publish(newEvent({ routing_key: "calls" }))))
    expect(commitsInLog(store.dataDir) - before).toBe(1)
  })

  test("commits publishes and all kinds of settlement together", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueues(store, ["calls"])
    await Promise.all(many(40, () => engine.publish(newEvent({ routing_key: "calls" }))))
    const inbox = new Inbox(engine, "calls")
    const deliveries = await inbox.take(40)
    inbox.subscription.cancel()
    const before = commitsInLog(store.dataDir)
    await Promise.all([
      ...deliveries.slice(0, 10).map((delivery) => delivery.ack()),
      ...deliveries.slice(10, 20).map((delivery) => delivery.release()),
      ...deliveries.slice(20, 30).map((delivery) => delivery.retry(3_600_000, failureRecord())),
      ...deliveries.slice(30, 40).map((delivery) => delivery.deadLetter(deadLetterRecord())),
      ...many(10, () => engine.publish(newEvent({ routing_key: "calls" }))),
    ])
    expect(commitsInLog(store.dataDir) - before).toBe(1)
  })

  test("commits by itself, without waiting for the next turn", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueues(store, ["calls"])
    const before = commitsInLog(store.dataDir)
    for (let i = 0; i < 10; i++) await engine.publish(newEvent({ routing_key: "calls" }))
    expect(commitsInLog(store.dataDir) - before).toBe(10)
  })
})

describe("a confirmed publish", () => {
  test("is stored, even if the process is killed right after it", async () => {
    await using store = new EmbeddedStore()
    const script = new URL("../../support/publish-until-killed.ts", import.meta.url)
    await using child = new ChildProcess(script, [store.dataDir])
    await child.printed(1_000)
    await child.kill()
    const confirmed = child.lines
    const engine = store.open()
    const [stats] = await engine.queueStats()
    const deliveries = await new Inbox(engine, "calls", 1_000_000).take(stats?.messageCount ?? 0)
    const stored = new Set(deliveries.map(({ body }) => JSON.parse(body).id))
    expect(confirmed.filter((id) => !stored.has(id))).toEqual([])
    expect(stored.size).toBe(deliveries.length)
  }, 60_000)
})

describe("an event's body", () => {
  test("is stored once for all its queues, and deleted with the last of them", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueues(store, ["one", "two", "three"])
    await engine.publish(newEvent({ routing_key: "shared" }))
    await engine.close()
    expect(storedRows(store.dataDir)).toEqual({ events: 1, messages: 3, deadLetters: 0 })
    const leftAfter = {
      one: { events: 1, messages: 2, deadLetters: 0 },
      two: { events: 1, messages: 1, deadLetters: 0 },
      three: { events: 0, messages: 0, deadLetters: 0 },
    }
    for (const [queue, left] of Object.entries(leftAfter)) {
      const reopened = store.open()
      await (await new Inbox(reopened, queue).next()).ack()
      await reopened.close()
      expect(storedRows(store.dataDir)).toEqual(left)
    }
  })

  test("is deleted with the last of its queues if they settle in one turn", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueues(store, ["one", "two"])
    await engine.publish(newEvent({ routing_key: "shared" }))
    const deliveries = [await new Inbox(engine, "one").next(), await new Inbox(engine, "two").next()]
    await Promise.all(deliveries.map((delivery) => delivery.ack()))
    await engine.close()
    expect(storedRows(store.dataDir)).toEqual({ events: 0, messages: 0, deadLetters: 0 })
  })

  test("stays for a dead letter when its other queues are done", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueues(store, ["one", "two"])
    await engine.publish(newEvent({ routing_key: "shared" }))
    await (await new Inbox(engine, "one").next()).deadLetter(deadLetterRecord())
    await (await new Inbox(engine, "two").next()).ack()
    await engine.close()
    expect(storedRows(store.dataDir)).toEqual({ events: 1, messages: 0, deadLetters: 1 })
  })

  test("is deleted with the ack of an event on a single queue, also after retries and a release", async () => {
    await using store = new EmbeddedStore()
    const engine = await openWithQueues(store, ["calls"])
    await Promise.all(many(3, () => engine.publish(newEvent({ routing_key: "calls" }))))
    const inbox = new Inbox(engine, "calls")
    const [acked, retried, released] = await inbox.take(3)
    await Promise.all([acked?.ack(), retried?.retry(1, failureRecord()), released?.release()])
    await Promise.all((await inbox.take(2)).map((delivery) => delivery.ack()))
    await engine.close()
    expect(storedRows(store.dataDir)).toEqual({ events: 0, messages: 0, deadLetters: 0 })
  })
})
