import { expect } from "bun:test"
import type { Engine } from "../../src/engine/engine.ts"
import { failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase } from "./engine-contract.ts"
import { fill } from "./fill.ts"

export const deadLetterCases: readonly ContractCase[] = [
  {
    title: "a dead letter keeps its event and the record of its failure, and is not delivered again",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const event = newEvent({ routing_key: "calls", payload: { text: "kept" } })
      await engine.publish(event)
      const inbox = new Inbox(engine, "calls")
      const failure = failureRecord({ reason: "attempts-exhausted", attempts: 5 })
      await (await inbox.next()).deadLetter(failure)
      await engine.publish(newEvent({ routing_key: "calls", name: "next" }))
      expect(namesOf([await inbox.next()])).toEqual(["next"])
      const dead = await engine.deadLetters("calls", 10)
      expect(dead.map(({ failure }) => failure)).toEqual([failure])
      expect(dead.map(({ body }) => JSON.parse(body))).toEqual([event])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0, deadLetterCount: 1 })
    },
  },
  {
    title: "a dead letter of one queue leaves the event's other queues alone",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("failing", { bindings: ["shared"] }),
        queueDeclaration("fine", { bindings: ["shared"] }),
      ])
      const event = newEvent({ routing_key: "shared" })
      await engine.publish(event)
      await (await new Inbox(engine, "failing").next()).deadLetter(failureRecord())
      await (await new Inbox(engine, "fine").next()).ack()
      const [dead] = await engine.deadLetters("failing", 10)
      expect(JSON.parse(dead?.body ?? "null")).toEqual(event)
      expect(await engine.deadLetters("fine", 10)).toEqual([])
    },
  },
  {
    title: "looking at dead letters thirty times loses none and keeps their order",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const inbox = new Inbox(engine, "calls")
      const names = ["a", "b", "c", "d", "e"]
      for (const name of names) {
        await engine.publish(newEvent({ routing_key: "calls", name }))
        await (await inbox.next()).deadLetter(failureRecord())
      }
      for (let look = 0; look < 30; look++) {
        expect(namesOf(await engine.deadLetters("calls", 100))).toEqual(names)
        expect(namesOf(await engine.deadLetters("calls", 2))).toEqual(["a", "b"])
      }
      expect(await statsOf(engine, "calls")).toMatchObject({ deadLetterCount: names.length })
    },
  },
  {
    title: "a queue without dead letters has none to show",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      expect(await engine.deadLetters("calls", 10)).toEqual([])
    },
  },
  {
    title: "redriven dead letters are delivered as if they had never been tried, in their order",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await buryAll(engine, ["a", "b", "c"])
      expect(await engine.redrive("calls", {})).toEqual({ redriven: 3, remaining: 0 })
      expect(await engine.deadLetters("calls", 10)).toEqual([])
      const again = await new Inbox(engine, "calls").take(3)
      expect(namesOf(again)).toEqual(["a", "b", "c"])
      for (const delivery of again) {
        expect(delivery).toMatchObject({ attempt: 1, lastFailure: null })
        expect(JSON.parse(delivery.body)).toMatchObject({ retry_count: 0 })
      }
    },
  },
  {
    title:
      "dead letters are redriven by their ids, or the oldest of them, and the others stay in their order",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const ids = await buryAll(engine, ["a", "b", "c", "d", "e"])
      const byId = { ids: [ids[3] ?? "", ids[1] ?? "", "no such id"] }
      expect(await engine.redrive("calls", byId)).toEqual({ redriven: 2, remaining: 3 })
      expect(namesOf(await engine.deadLetters("calls", 10))).toEqual(["a", "c", "e"])
      expect(await engine.redrive("calls", { limit: 1 })).toEqual({ redriven: 1, remaining: 2 })
      expect(namesOf(await engine.deadLetters("calls", 10))).toEqual(["c", "e"])
      expect(namesOf(await new Inbox(engine, "calls").take(3))).toEqual(["b", "d", "a"])
    },
  },
  {
    title: "a redriven event comes to the queue that it came from, and to no other",
    async run(harness) {
      const engine = await harness.open()
      const bindings = ["calls"]
      await engine.declareQueues([
        queueDeclaration("calls", { bindings }),
        queueDeclaration("fine", { bindings }),
      ])
      const fine = new Inbox(engine, "fine")
      await buryAll(engine, ["a"])
      await (await fine.next()).ack()
      await engine.redrive("calls", {})
      await (await new Inbox(engine, "calls").next()).ack()
      expect(fine.unread).toEqual([])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0, deadLetterCount: 0 })
    },
  },
  {
    title: "a redrive stops where the queue is full, and loses nothing",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 2 })])
      await buryAll(engine, ["a", "b", "c"])
      const taken = await fill(harness, 2, () => engine.publish(newEvent({ routing_key: "calls" })))
      expect(await engine.redrive("calls", {})).toEqual({ redriven: 0, remaining: 3 })
      expect(namesOf(await engine.deadLetters("calls", 10))).toEqual(["a", "b", "c"])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: taken })
    },
  },
  {
    title: "purged dead letters are gone, and the queue's events are not",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await buryAll(engine, ["a", "b"])
      await engine.publish(newEvent({ routing_key: "calls", name: "kept" }))
      expect(await engine.purgeDeadLetters("calls")).toBe(2)
      expect(await engine.deadLetters("calls", 10)).toEqual([])
      expect(await engine.purgeDeadLetters("calls")).toBe(0)
      expect(namesOf(await new Inbox(engine, "calls").take(1))).toEqual(["kept"])
    },
  },
]

/** Publishes events to the queue `calls` and makes each a dead letter. Returns their ids. */
async function buryAll(engine: Engine, names: readonly string[]): Promise<readonly string[]> {
  const inbox = new Inbox(engine, "calls")
  const ids: string[] = []
  for (const name of names) {
    const event = newEvent({ routing_key: "calls", name })
    await engine.publish(event)
    await (await inbox.next()).deadLetter(failureRecord())
    ids.push(event.id)
  }
  inbox.subscription.cancel()
  await waitUntil(async () => (await statsOf(engine, "calls")).consumerCount === 0, "the consumer to be gone")
  return ids
}
