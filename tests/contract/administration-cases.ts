import { expect } from "bun:test"
import type { Engine } from "../../src/engine/engine.ts"
import { deadLettersOf } from "../support/dead-letters-of.ts"
import { deadLetterRecord, failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase } from "./engine-contract.ts"

const HOUR_MS = 3_600_000
const MANY = 2_500

const publish = (engine: Engine, routing_key: string, name = "happened") =>
  engine.publish(newEvent({ routing_key, name }))

const queueNames = async (engine: Engine) => (await engine.queueStats()).map(({ name }) => name).toSorted()

/** Makes `count` events of the queue dead letters, with a consumer that is cancelled afterwards. */
async function bury(engine: Engine, queue: string, count: number): Promise<void> {
  const inbox = new Inbox(engine, queue, 1)
  for (let i = 0; i < count; i++) await (await inbox.next()).deadLetter(deadLetterRecord())
  const ended = inbox.subscription.cancel()
  for (const delivery of inbox.unread) void delivery.release()
  await ended
  await waitUntil(async () => (await statsOf(engine, queue)).consumerCount === 0, "no consumer")
}

export const administrationCases: readonly ContractCase[] = [
  {
    title: "deleting a queue deletes its bindings, events and dead letters, and no other queue's",
    async run(harness) {
      const engine = await harness.open()
      const other = queueDeclaration("other", { bindings: ["shared"] })
      await engine.declareQueues([queueDeclaration("old", { bindings: ["shared", "old"] }), other])
      for (const key of ["shared", "old", "old"]) await publish(engine, key)
      await bury(engine, "old", 1)
      await waitUntil(async () => (await statsOf(engine, "old")).deadLetterCount === 1, "the dead letter")
      expect(await engine.queueAdministration.delete("old")).toEqual({ events: 2, deadLetters: 1 })
      expect(await queueNames(engine)).toEqual(["other"])
      await publish(engine, "shared", "after")
      await expect(publish(engine, "old")).rejects.toMatchObject({ code: "unroutable" })
      expect(namesOf(await new Inbox(engine, "other").take(2))).toEqual(["happened", "after"])
      await expect(engine.deadLetters("old", {})).rejects.toMatchObject({ name: "UnknownQueueError" })
    },
  },
  {
    title: "a deleted queue stays deleted, and starts empty when it is declared again",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("old"), queueDeclaration("other")])
      await publish(engine, "old")
      await engine.queueAdministration.delete("old")
      await engine.declareQueues([queueDeclaration("old")])
      await publish(engine, "old", "new")
      expect(namesOf(await new Inbox(engine, "old").take(1))).toEqual(["new"])
      expect(await statsOf(engine, "old")).toMatchObject({ messageCount: 0, deadLetterCount: 0 })
    },
  },
  {
    title: "a delete with ifEmpty leaves a queue with events or dead letters unchanged",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("old")])
      await publish(engine, "old")
      const refusal = { name: "QueueNotEmptyError" }
      await expect(engine.queueAdministration.delete("old", { ifEmpty: true })).rejects.toMatchObject(refusal)
      await publish(engine, "old")
      expect(await statsOf(engine, "old")).toMatchObject({ bindings: ["old"], messageCount: 2 })
      await bury(engine, "old", 2)
      await waitUntil(async () => (await statsOf(engine, "old")).deadLetterCount === 2, "the dead letters")
      await expect(engine.queueAdministration.delete("old", { ifEmpty: true })).rejects.toMatchObject(refusal)
      await engine.purgeDeadLetters("old", {})
      expect(await engine.queueAdministration.delete("old", { ifEmpty: true })).toEqual({
        events: 0,
        deadLetters: 0,
      })
    },
  },
  {
    title: "an event that waits for a retry keeps a queue from being empty, and is deleted with it",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("old")])
      await publish(engine, "old")
      const inbox = new Inbox(engine, "old", 1)
      await (await inbox.next()).retry(HOUR_MS, failureRecord())
      await inbox.subscription.cancel()
      await waitUntil(async () => (await statsOf(engine, "old")).consumerCount === 0, "no consumer")
      await publish(engine, "old")
      await bury(engine, "old", 1)
      const refusal = { name: "QueueNotEmptyError", message: expect.stringContaining("1 event") }
      await expect(engine.queueAdministration.delete("old", { ifEmpty: true })).rejects.toMatchObject(refusal)
      expect(await engine.queueAdministration.delete("old")).toEqual({ events: 1, deadLetters: 1 })
    },
  },
  {
    title: "a consumed queue is not deleted",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("busy")])
      const inbox = new Inbox(engine, "busy")
      await waitUntil(async () => (await statsOf(engine, "busy")).consumerCount === 1, "the consumer")
      await expect(engine.queueAdministration.delete("busy")).rejects.toMatchObject({
        name: "QueueInUseError",
      })
      await publish(engine, "busy")
      await (await inbox.next()).ack()
    },
  },
  {
    title: "a queue with many events is deleted while others publish to it and to another queue",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("old", { bindings: ["shared", "old"] }),
        queueDeclaration("other", { bindings: ["shared"] }),
      ])
      await Promise.all(Array.from({ length: MANY }, () => publish(engine, "old")))
      let isDeleted = false
      let shared = 0
      const load = (async () => {
        for (let after = 0; after < 50; after += isDeleted ? 1 : 0) {
          await publish(engine, "shared")
          shared++
        }
      })()
      const { events } = await engine.queueAdministration.delete("old")
      isDeleted = true
      await load
      expect(events).toBeGreaterThanOrEqual(MANY)
      await new Inbox(engine, "other", shared).take(shared)
      expect(await queueNames(engine)).toEqual(["other"])
    },
  },
  {
    title: "a purge deletes waiting events, but neither delivered events nor dead letters",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      for (let i = 0; i < 5; i++) await publish(engine, "calls", `n-${i}`)
      await bury(engine, "calls", 1)
      const inbox = new Inbox(engine, "calls", 1)
      const held = await inbox.next()
      expect(namesOf([held])).toEqual(["n-1"])
      await waitUntil(async () => (await statsOf(engine, "calls")).messageCount === 3, "three to wait")
      expect(await engine.queueAdministration.purge("calls")).toEqual({ purged: 3 })
      await publish(engine, "calls", "after")
      await held.ack()
      expect(namesOf([await inbox.next()])).toEqual(["after"])
      expect(namesOf(await deadLettersOf(engine, "calls", {}))).toEqual(["n-0"])
    },
  },
  {
    title: "an unbound queue keeps its events and receives no more until it is declared again",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("old", { bindings: ["a", "b.#"] })])
      await publish(engine, "a")
      expect(await engine.queueAdministration.unbind("old")).toEqual({ bindings: ["a", "b.#"] })
      for (const key of ["a", "b.c"]) {
        await expect(publish(engine, key)).rejects.toMatchObject({ code: "unroutable" })
      }
      expect(await statsOf(engine, "old")).toMatchObject({ bindings: [], messageCount: 1 })
      await engine.declareQueues([queueDeclaration("old", { bindings: ["a", "b.#"] })])
      await publish(engine, "b.c")
      await waitUntil(async () => (await statsOf(engine, "old")).messageCount === 2, "the event after it")
    },
  },
  {
    title: "a queue that is no longer declared is found, full or not, and can be deleted",
    async run(harness) {
      const before = await harness.open()
      const other = queueDeclaration("other", { bindings: ["shared"] })
      await before.declareQueues([
        queueDeclaration("old", { bindings: ["shared", "old"], maxLength: 3 }),
        other,
      ])
      await publish(before, "old")
      await harness.forget(["old"])
      const engine = await harness.open()
      await engine.declareQueues([other])
      await waitUntil(async () => (await queueNames(engine)).includes("old"), "the queue to be found")
      expect(await statsOf(engine, "old")).toMatchObject({
        bindings: ["shared", "old"],
        messageCount: 1,
        consumerCount: 0,
        maxLength: 3,
      })
      const refusedByFull = async () => {
        const reason = await publish(engine, "shared").catch((error: unknown) => error)
        return reason instanceof Error ? reason : null
      }
      // A quorum queue accepts some more than its limit.
      await waitUntil(async () => (await refusedByFull()) !== null, "the queue to be full")
      expect(await refusedByFull()).toMatchObject({ code: "queue-full", queue: "old" })
      await engine.queueAdministration.delete("old")
      await publish(engine, "shared")
      await expect(publish(engine, "old")).rejects.toMatchObject({ code: "unroutable" })
      expect(await queueNames(engine)).toEqual(["other"])
    },
  },
]
