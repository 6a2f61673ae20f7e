import { expect } from "bun:test"
import type { Delivery, Engine } from "../../src/engine/engine.ts"
import { decodeEvent } from "../../src/event/validate.ts"
import { deadLettersOf } from "../support/dead-letters-of.ts"
import { deadLetterRecord, failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase } from "./engine-contract.ts"

/**
 * Settles at random, later, and records the largest number of deliveries held and the events that are done.
 */
function settleAtRandom(engine: Engine, queue: string, prefetch: number) {
  const observed = { mostHeld: 0, done: [] as string[] }
  let held = 0
  const settle = async (delivery: Delivery): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
    held--
    const chance = Math.random()
    if (chance < 0.15) await delivery.retry(1, failureRecord())
    else if (chance < 0.3) await delivery.release()
    else {
      observed.done.push(decodeEvent(delivery.body).name)
      await (chance < 0.4 ? delivery.deadLetter(deadLetterRecord()) : delivery.ack())
    }
  }
  engine.consume(queue, {
    prefetch,
    onDelivery: (delivery) => {
      observed.mostHeld = Math.max(observed.mostHeld, ++held)
      void settle(delivery)
    },
  })
  return observed
}

export const prefetchCases: readonly ContractCase[] = [
  {
    title: "a consumer never holds more than its prefetch, and receives every event however it settles",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const names = Array.from({ length: 1_000 }, (_, i) => `n-${i}`)
      const few = settleAtRandom(engine, "calls", 3)
      const many = settleAtRandom(engine, "calls", 17)
      await Promise.all(names.map((name) => engine.publish(newEvent({ routing_key: "calls", name }))))
      await waitUntil(() => few.done.length + many.done.length >= names.length, "every event to be done")
      expect(few.mostHeld).toBe(3)
      expect(many.mostHeld).toBe(17)
      expect([...few.done, ...many.done].toSorted()).toEqual(names.toSorted())
    },
  },
  {
    title: "a consumer that settles nothing receives its prefetch and no more",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      for (let i = 0; i < 10; i++) await engine.publish(newEvent({ routing_key: "calls", name: `n-${i}` }))
      const stalled = new Inbox(engine, "calls", 4)
      await stalled.take(4)
      const other = new Inbox(engine, "calls")
      expect(namesOf(await other.take(6))).toEqual(["n-4", "n-5", "n-6", "n-7", "n-8", "n-9"])
      expect(stalled.unread).toEqual([])
    },
  },
  {
    title: "a delivery is lost after its engine is closed",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await engine.publish(newEvent({ routing_key: "calls" }))
      const delivery = await new Inbox(engine, "calls").next()
      expect(delivery.isLost).toBe(false)
      await engine.close()
      expect(delivery.isLost).toBe(true)
      await harness.open()
    },
  },
  {
    title: "a delivery says when the engine takes it back",
    async run(harness) {
      const engine = await harness.open()
      const { maxUnsettledMs } = engine.capabilities
      await engine.declareQueues([queueDeclaration("calls")])
      const before = performance.now()
      await engine.publish(newEvent({ routing_key: "calls" }))
      const { takenBackAt } = await new Inbox(engine, "calls").next()
      if (maxUnsettledMs === null) {
        expect(takenBackAt).toBeNull()
        return
      }
      expect(takenBackAt).toBeGreaterThanOrEqual(before + maxUnsettledMs)
      expect(takenBackAt).toBeLessThanOrEqual(performance.now() + maxUnsettledMs)
    },
  },
  {
    title: "deliveries settled together, in any order, settle only themselves",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const names = Array.from({ length: 12 }, (_, i) => `n-${i}`)
      for (const name of names) await engine.publish(newEvent({ routing_key: "calls", name }))
      const held = await new Inbox(engine, "calls", 12).take(12)
      const failure = deadLetterRecord()
      const settlings = [11, 1, 0, 3, 5, 7].map((i) => held[i]?.ack())
      await Promise.all([...settlings, held[4]?.deadLetter(failure), held[6]?.deadLetter(failure)])
      await Promise.all([held[2]?.ack(), held[8]?.ack()])
      await engine.close()
      const reopened = await harness.open()
      expect([...namesOf(await new Inbox(reopened, "calls").take(2))].toSorted()).toEqual(["n-10", "n-9"])
      expect([...namesOf(await deadLettersOf(reopened, "calls", { limit: 10 }))].toSorted()).toEqual([
        "n-4",
        "n-6",
      ])
      expect(await statsOf(reopened, "calls")).toMatchObject({ messageCount: 0 })
    },
  },
  {
    title: "no delivery starts after a consumer is cancelled",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const cancelled = new Inbox(engine, "calls")
      cancelled.subscription.cancel()
      await engine.publish(newEvent({ routing_key: "calls" }))
      await new Inbox(engine, "calls").next()
      expect(cancelled.deliveries).toEqual([])
      expect(await statsOf(engine, "calls")).toMatchObject({ consumerCount: 1 })
    },
  },
  {
    title: "no delivery starts after a consumer is cancelled during its first one, and none is lost",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      for (const name of ["a", "b", "c"]) await engine.publish(newEvent({ routing_key: "calls", name }))
      const seen: Delivery[] = []
      const subscription = engine.consume("calls", {
        prefetch: 10,
        onDelivery: (delivery) => {
          seen.push(delivery)
          subscription.cancel()
        },
      })
      await waitUntil(() => seen.length > 0, "the first delivery")
      await seen[0]?.ack()
      const rest = new Inbox(engine, "calls")
      await waitUntil(() => rest.deliveries.length + seen.length >= 3, "the other two to be delivered")
      expect(namesOf(seen)).toEqual(["a"])
      expect(namesOf(await rest.take(2))).toEqual(["b", "c"])
    },
  },
  {
    title: "deliveries held by a cancelled consumer can still be settled",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      for (const name of ["a", "b", "c", "d"]) await engine.publish(newEvent({ routing_key: "calls", name }))
      const cancelled = new Inbox(engine, "calls", 4)
      const [acked, retried, buried, released] = await cancelled.take(4)
      cancelled.subscription.cancel()
      await acked?.ack()
      await retried?.retry(1, failureRecord())
      await buried?.deadLetter(deadLetterRecord())
      await released?.release()
      const next = new Inbox(engine, "calls")
      expect([...namesOf(await next.take(2))].toSorted()).toEqual(["b", "d"])
      expect(namesOf(await deadLettersOf(engine, "calls", { limit: 10 }))).toEqual(["c"])
      expect(cancelled.unread).toEqual([])
    },
  },
]
