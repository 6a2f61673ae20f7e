import { expect } from "bun:test"
import { deadLettersOf } from "../support/dead-letters-of.ts"
import { failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase } from "./engine-contract.ts"
import { fill } from "./fill.ts"

const queueFull = { name: "PublishError", code: "queue-full" }
const HOUR_MS = 3_600_000

export const limitCases: readonly ContractCase[] = [
  {
    title: "a full queue refuses an event, and drops none",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 2 })])
      let published = 0
      const publish = () => engine.publish(newEvent({ routing_key: "calls", name: `n-${published++}` }))
      const taken = await fill(harness, 2, publish)
      await expect(publish()).rejects.toMatchObject({ ...queueFull, outcome: "not-stored" })
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: taken, deadLetterCount: 0 })
      const names = Array.from({ length: taken }, (_, i) => `n-${i}`)
      expect(namesOf(await new Inbox(engine, "calls").take(taken))).toEqual(names)
    },
  },
  {
    title: "a full queue refuses those of many events that exceed its room",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 10 })])
      const publishes = Array.from({ length: 25 }, () => engine.publish(newEvent({ routing_key: "calls" })))
      const results = await Promise.allSettled(publishes)
      const taken = results.filter(({ status }) => status === "fulfilled").length
      for (const each of results) if (each.status === "rejected") expect(each.reason).toMatchObject(queueFull)
      if (harness.capabilities.hasExactLimits) expect(taken).toBe(10)
      else await fill(harness, 0, () => engine.publish(newEvent({ routing_key: "calls" })))
      expect(taken).toBeGreaterThanOrEqual(10)
      await expect(engine.publish(newEvent({ routing_key: "calls" }))).rejects.toMatchObject(queueFull)
    },
  },
  {
    title: "a full queue refuses each of many concurrent events, with the reason",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 1 })])
      const publish = () => engine.publish(newEvent({ routing_key: "calls" }))
      await fill(harness, 1, publish)
      const results = await Promise.allSettled(Array.from({ length: 50 }, publish))
      const reasons = results.map((each) => (each.status === "rejected" ? each.reason.code : "stored"))
      expect(reasons).toEqual(Array(50).fill("queue-full"))
    },
  },
  {
    title: "an event refused by one of its queues is reported correctly: stored on none, or unknown",
    async run(harness) {
      const engine = await harness.open()
      const full = queueDeclaration("full", { bindings: ["shared", "full"], maxLength: 1 })
      await engine.declareQueues([
        queueDeclaration("roomy", { bindings: ["shared"] }),
        full,
        queueDeclaration("vast", { bindings: ["shared"] }),
      ])
      const taken = await fill(harness, 1, () => engine.publish(newEvent({ routing_key: "full" })))
      const outcome = harness.capabilities.refusesOnAllQueuesOrNone ? "not-stored" : "unknown"
      await expect(engine.publish(newEvent({ routing_key: "shared" }))).rejects.toMatchObject({
        ...queueFull,
        outcome,
      })
      expect(await statsOf(engine, "full")).toMatchObject({ messageCount: taken })
      if (outcome === "unknown") return
      expect(await statsOf(engine, "roomy")).toMatchObject({ messageCount: 0 })
      expect(await statsOf(engine, "vast")).toMatchObject({ messageCount: 0 })
    },
  },
  {
    title: "only waiting events count for the limit: delivered and delayed ones leave room",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 1 })])
      const publish = () => engine.publish(newEvent({ routing_key: "calls" }))
      await publish()
      const inbox = new Inbox(engine, "calls", 1)
      const delivered = await inbox.next()
      const waiting = await fill(harness, 1, publish)
      await expect(publish()).rejects.toMatchObject(queueFull)
      await delivered.retry(HOUR_MS, failureRecord())
      for (let i = 1; i < waiting; i++) await (await inbox.next()).retry(HOUR_MS, failureRecord())
      await inbox.next()
      await fill(harness, 1, publish)
      await expect(publish()).rejects.toMatchObject(queueFull)
    },
  },
  {
    title: "a full queue has room again after an event is handled",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 2 })])
      const publish = () => engine.publish(newEvent({ routing_key: "calls" }))
      const taken = await fill(harness, 2, publish)
      await expect(publish()).rejects.toMatchObject(queueFull)
      const inbox = new Inbox(engine, "calls", 1)
      for (let i = 0; i < taken; i++) await (await inbox.next()).ack()
      await waitUntil(async () => (await statsOf(engine, "calls")).messageCount === 0, "an empty queue")
      inbox.subscription.cancel()
      await waitUntil(async () => (await statsOf(engine, "calls")).consumerCount === 0, "no consumer")
      await fill(harness, 2, publish)
      await expect(publish()).rejects.toMatchObject(queueFull)
    },
  },
  {
    title: "a full queue with drop-head accepts an event and makes the oldest a dead letter",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 3, overflow: "drop-head" })])
      const names = ["a", "b", "c", "d", "e"]
      for (const name of names) await engine.publish(newEvent({ routing_key: "calls", name }))
      await waitUntil(async () => (await statsOf(engine, "calls")).deadLetterCount === 2, "two dead letters")
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 3 })
      const dead = await deadLettersOf(engine, "calls", { limit: 10 })
      expect(namesOf(dead)).toEqual(["a", "b"])
      for (const { failure } of dead) {
        expect(failure).toMatchObject({ reason: "overflow", attempts: 0, error: null, module: null })
      }
      expect(namesOf(await new Inbox(engine, "calls").take(3))).toEqual(["c", "d", "e"])
    },
  },
  {
    title: "a queue with drop-head drops only its own events",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("short", { bindings: ["shared"], maxLength: 1, overflow: "drop-head" }),
        queueDeclaration("long", { bindings: ["shared"] }),
      ])
      for (const name of ["a", "b"]) await engine.publish(newEvent({ routing_key: "shared", name }))
      expect(namesOf(await new Inbox(engine, "long").take(2))).toEqual(["a", "b"])
      expect(namesOf(await new Inbox(engine, "short").take(1))).toEqual(["b"])
      expect(namesOf(await deadLettersOf(engine, "short", { limit: 10 }))).toEqual(["a"])
      expect(await deadLettersOf(engine, "long", { limit: 10 })).toEqual([])
    },
  },
]
