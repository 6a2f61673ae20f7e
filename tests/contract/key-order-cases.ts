import { expect } from "bun:test"
import type { ConsumeOptions, Delivery, Engine } from "../../src/engine/engine.ts"
import { decodeEvent } from "../../src/event/validate.ts"
import { failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase, EngineHarness } from "./engine-contract.ts"

/** Publishes sequentially: `a-1` is an event of the key `a` with that name, and `plain` one without a key. */
async function publishKeyed(engine: Engine, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const [key, number] = name.split("-")
    await engine.publish(
      newEvent({ routing_key: "calls", name, ...(number !== undefined && key && { ordering_key: key }) }),
    )
  }
}

const nameOf = ({ body }: Delivery): string => decodeEvent(body).name

const keyOf = (delivery: Delivery): string => nameOf(delivery).split("-")[0] ?? ""

/** Opens an engine with a queue, and a function that consumes it by key. */
async function openQueue(harness: EngineHarness) {
  const engine = await harness.open()
  await engine.declareQueues([queueDeclaration("calls")])
  const consume = (prefetch: number, onDelivery: (delivery: Delivery) => void, more = {}) =>
    engine.consume("calls", { prefetch, order: "by-key", onDelivery, ...more } satisfies ConsumeOptions)
  return { engine, consume }
}

export const keyOrderCases: readonly ContractCase[] = [
  {
    title: "by key, one event of a key is delivered at a time, in order, and other keys beside it",
    async run(harness) {
      const { engine, consume } = await openQueue(harness)
      const names = Array.from({ length: 40 }, (_, i) => ["a", "b", "c"].map((key) => `${key}-${i}`)).flat()
      const held = new Set<string>()
      const done: string[] = []
      let mostHeld = 0
      const handle = async (delivery: Delivery): Promise<void> => {
        const key = keyOf(delivery)
        expect(held.has(key)).toBe(false)
        held.add(key)
        mostHeld = Math.max(mostHeld, held.size)
        await Bun.sleep(Math.random() * 5)
        held.delete(key)
        if (Math.random() < 0.2) return delivery.retry(Math.random() * 10, failureRecord())
        done.push(nameOf(delivery))
        return delivery.ack()
      }
      consume(4, (delivery) => void handle(delivery))
      await publishKeyed(engine, names)
      await waitUntil(() => done.length >= names.length, "every event")
      for (const key of ["a", "b", "c"]) {
        const ofKey = (name: string): boolean => name.startsWith(key)
        expect(done.filter(ofKey)).toEqual(names.filter(ofKey))
      }
      expect(mostHeld).toBeGreaterThan(1)
    },
  },
  {
    title:
      "by key, a retry is the next delivery of its key, and many that wait for it leave the prefetch free",
    async run(harness) {
      const { engine, consume } = await openQueue(harness)
      const failure = failureRecord()
      const deliveries: Delivery[] = []
      await publishKeyed(engine, ["a-0", "a-1", "a-2", "a-3", "a-4", "b-0", "plain", "b-1"])
      consume(2, (delivery) => {
        deliveries.push(delivery)
        if (nameOf(delivery) === "a-0" && delivery.attempt === 1) void delivery.retry(20, failure)
        else if (keyOf(delivery) !== "a") void delivery.ack()
      })
      const found = (name: string, attempt = 1) =>
        deliveries.find((each) => nameOf(each) === name && each.attempt >= attempt)
      await waitUntil(() => found("a-0", 2) !== undefined, "the next attempt")
      await waitUntil(() => found("b-1") !== undefined && found("plain") !== undefined, "the other keys")
      expect(found("a-0", 2)).toMatchObject({ attempt: 2, lastFailure: failure })
      expect(found("a-1")).toBeUndefined()
      for (const name of ["a-0", "a-1", "a-2", "a-3", "a-4"]) {
        await waitUntil(() => found(name, name === "a-0" ? 2 : 1) !== undefined, name)
        await found(name, name === "a-0" ? 2 : 1)?.ack()
      }
      const names = namesOf(deliveries)
      expect(names.filter((name) => name.startsWith("a"))).toEqual(["a-0", "a-0", "a-1", "a-2", "a-3", "a-4"])
    },
  },
  {
    title: "by key, events that wait at a cancel return to their places, with the attempts that were made",
    async run(harness) {
      const { engine, consume } = await openQueue(harness)
      const failure = failureRecord()
      await publishKeyed(engine, ["a-0", "a-1", "b-0", "b-1", "a-2"])
      const deliveries: Delivery[] = []
      const returned: Delivery[] = []
      const subscription = consume(3, (delivery) => deliveries.push(delivery), {
        onReturned: (delivery: Delivery) => returned.push(delivery),
      })
      await waitUntil(() => deliveries.length > 0, "the first delivery")
      const [first] = deliveries
      const retried = first?.retry(60_000, failure)
      const cancelled = subscription.cancel()
      expect(subscription.isConsuming).toBe(false)
      for (const delivery of deliveries.slice(1)) void delivery.release()
      await Promise.all([retried, cancelled])
      expect(namesOf(returned)).toContain("a-0")
      const again = await new Inbox(engine, "calls").take(5)
      expect(namesOf(again)).toEqual(["a-0", "a-1", "b-0", "b-1", "a-2"])
      expect(again[0]).toMatchObject({ attempt: 2, lastFailure: failure })
    },
  },
  {
    title: "by key, a release of a later attempt keeps the attempts before it",
    async run(harness) {
      const { engine, consume } = await openQueue(harness)
      const failure = failureRecord()
      await publishKeyed(engine, ["a-0"])
      const deliveries: Delivery[] = []
      const subscription = consume(1, (delivery) => {
        deliveries.push(delivery)
        if (deliveries.length === 1) void delivery.retry(0, failure)
      })
      await waitUntil(() => deliveries.length === 2, "the next attempt")
      const cancelled = subscription.cancel()
      await Promise.all([deliveries[1]?.release(), cancelled])
      const again = await new Inbox(engine, "calls").next()
      expect(again.lastFailure).toEqual(failure)
      if (harness.capabilities.releaseKeepsAttempt) expect(again.attempt).toBe(2)
    },
  },
]
