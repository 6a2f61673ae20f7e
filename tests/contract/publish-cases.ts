import { expect } from "bun:test"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import type { ContractCase } from "./engine-contract.ts"

export const publishCases: readonly ContractCase[] = [
  {
    title: "an event is delivered as it was published",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const payload = JSON.parse(
        '{"__proto__":{"a":1},"text":"größer \\u0000 \\ud83d\\ude00 \\ud800","list":[1.5,null]}',
      )
      const event = newEvent({
        routing_key: "calls",
        priority: "high",
        payload,
        metadata: { source: "test" },
      })
      await engine.publish(event)
      const delivery = await new Inbox(engine, "calls").next()
      expect(JSON.stringify(JSON.parse(delivery.body))).toBe(JSON.stringify(event))
      expect(delivery).toMatchObject({ queue: "calls", priority: 7, attempt: 1, lastFailure: null })
    },
  },
  {
    title: "an event that waits for a consumer is counted",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await engine.publish(newEvent({ routing_key: "calls" }))
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 1, consumerCount: 0 })
    },
  },
  {
    title: "an event goes to every queue bound for it, and to no other",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("all", { bindings: ["events.#"] }),
        queueDeclaration("ended", { bindings: ["events.*.ended"] }),
        queueDeclaration("exact", { bindings: ["events.call.ended"] }),
        queueDeclaration("started", { bindings: ["events.*.started"] }),
        queueDeclaration("unbound", { bindings: [] }),
      ])
      await engine.publish(newEvent({ routing_key: "events.call.ended" }))
      const counts = (await engine.queueStats()).map(
        ({ name, messageCount }) => [name, messageCount] as const,
      )
      expect(Object.fromEntries(counts)).toEqual({ all: 1, ended: 1, exact: 1, started: 0, unbound: 0 })
    },
  },
  {
    title: "an event is stored once on a queue, however many of its bindings match",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("calls", { bindings: ["#", "call.*", "call.ended", "#.ended"] }),
      ])
      await engine.publish(newEvent({ routing_key: "call.ended", name: "first" }))
      await engine.publish(newEvent({ routing_key: "call.ended", name: "second" }))
      expect(namesOf(await new Inbox(engine, "calls").take(2))).toEqual(["first", "second"])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0 })
    },
  },
  {
    title: "each queue settles its own copy of an event",
    async run(harness) {
      const engine = await harness.open()
      const bindings = ["shared"]
      await engine.declareQueues([
        queueDeclaration("one", { bindings }),
        queueDeclaration("two", { bindings }),
        queueDeclaration("three", { bindings }),
      ])
      const event = newEvent({ routing_key: "shared" })
      await engine.publish(event)
      for (const queue of ["one", "two", "three"]) {
        const delivery = await new Inbox(engine, queue).next()
        expect(JSON.parse(delivery.body)).toEqual(event)
        await delivery.ack()
      }
    },
  },
  {
    title: "an event without a bound queue is refused and nothing is stored",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { bindings: ["call.*"] })])
      const refusal = { name: "PublishError", code: "unroutable", outcome: "not-stored" }
      await expect(engine.publish(newEvent({ routing_key: "call" }))).rejects.toMatchObject(refusal)
      await expect(engine.publish(newEvent({ routing_key: "call.a.b" }))).rejects.toMatchObject(refusal)
      await engine.declareQueues([queueDeclaration("calls", { bindings: ["#"] })])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0, deadLetterCount: 0 })
    },
  },
  {
    title: "a refused event does not affect those published with it",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const results = await Promise.allSettled([
        engine.publish(newEvent({ routing_key: "calls" })),
        engine.publish(newEvent({ routing_key: "nowhere" })),
        engine.publish(newEvent({ routing_key: "calls" })),
      ])
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 2 })
    },
  },
  {
    title: "an event of one megabyte is delivered whole",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const event = newEvent({ routing_key: "calls", payload: { text: "x".repeat(1_048_576) } })
      await engine.publish(event)
      const { body } = await new Inbox(engine, "calls").next()
      expect(body === JSON.stringify(event)).toBe(true)
    },
  },
]
