import { expect } from "bun:test"
import { deadLetterRecord, failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import type { ContractCase } from "./engine-contract.ts"

const DELAY_MS = 50

export const retryCases: readonly ContractCase[] = [
  {
    title: "a retry returns after its delay, as the next attempt, with the previous failure",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const event = newEvent({ routing_key: "calls", priority: "high" })
      await engine.publish(event)
      const inbox = new Inbox(engine, "calls")
      const failure = failureRecord()
      const first = await inbox.next()
      const failedAt = Date.now()
      await first.retry(DELAY_MS, failure)
      const second = await inbox.next()
      expect(Date.now() - failedAt).toBeGreaterThanOrEqual(DELAY_MS)
      expect(second).toMatchObject({ queue: "calls", priority: 7, attempt: 2, lastFailure: failure })
      expect(JSON.parse(second.body)).toMatchObject({ id: event.id, payload: event.payload })
      const secondFailure = failureRecord({ attempts: 2, reason: "timeout", error: null, module: null })
      await second.retry(0, secondFailure)
      expect(await inbox.next()).toMatchObject({ attempt: 3, lastFailure: secondFailure })
    },
  },
  {
    title: "every delivery of an event carries its trace: the first, a retry, and one after a redrive",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      const traces = [
        { traceparent, tracestate: "vendor=value,other=1" },
        { traceparent, tracestate: null },
        null,
      ]
      const inbox = new Inbox(engine, "calls", 1)
      for (const trace of traces) {
        await engine.publish(newEvent({ routing_key: "calls" }), { trace })
        const first = await inbox.next()
        expect(first.trace).toEqual(trace)
        await first.retry(1, failureRecord())
        const second = await inbox.next()
        expect(second.trace).toEqual(trace)
        await second.deadLetter(deadLetterRecord())
        await engine.redrive("calls", {})
        const third = await inbox.next()
        expect(third.trace).toEqual(trace)
        await third.ack()
      }
    },
  },
  {
    title: "a retry returns to the queue that failed, and to no other",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("failing", { bindings: ["shared"] }),
        queueDeclaration("fine", { bindings: ["shared"] }),
      ])
      await engine.publish(newEvent({ routing_key: "shared", name: "retried" }))
      const failing = new Inbox(engine, "failing")
      const fine = new Inbox(engine, "fine")
      await (await fine.next()).ack()
      await (await failing.next()).retry(1, failureRecord())
      await (await failing.next()).ack()
      await engine.publish(newEvent({ routing_key: "shared", name: "next" }))
      expect(namesOf([await fine.next()])).toEqual(["next"])
      expect(fine.deliveries).toHaveLength(2)
    },
  },
  {
    title: "a delayed retry does not delay other events",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const inbox = new Inbox(engine, "calls", 1)
      for (const name of ["a", "b", "c"]) await engine.publish(newEvent({ routing_key: "calls", name }))
      await (await inbox.next()).retry(0, failureRecord())
      const rest: string[] = []
      while (rest.length < 3) {
        const delivery = await inbox.next()
        rest.push(...namesOf([delivery]))
        await delivery.ack()
      }
      expect(rest).toEqual(["b", "c", "a"])
    },
  },
  {
    title: "retries return in the order of their due times, whatever the order of the requests",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const inbox = new Inbox(engine, "calls")
      for (const name of ["slow", "middle", "fast"])
        await engine.publish(newEvent({ routing_key: "calls", name }))
      const [slow, middle, fast] = await inbox.take(3)
      await Promise.all([
        slow?.retry(9 * DELAY_MS, failureRecord()),
        middle?.retry(4 * DELAY_MS, failureRecord()),
        fast?.retry(DELAY_MS, failureRecord()),
      ])
      expect(namesOf(await inbox.take(3))).toEqual(["fast", "middle", "slow"])
    },
  },
  {
    title: "a waiting retry counts neither as waiting in the queue nor as a dead letter",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await engine.publish(newEvent({ routing_key: "calls" }))
      await (await new Inbox(engine, "calls").next()).retry(3_600_000, failureRecord())
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0, deadLetterCount: 0 })
    },
  },
  {
    title: "a thousand concurrent retries all return, once each",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const names = Array.from({ length: 2_500 }, (_, i) => `n-${i}`)
      await Promise.all(names.map((name) => engine.publish(newEvent({ routing_key: "calls", name }))))
      const inbox = new Inbox(engine, "calls", names.length)
      const first = await inbox.take(names.length)
      await Promise.all(first.map((delivery) => delivery.retry(1, failureRecord())))
      const second = await inbox.take(names.length)
      expect(new Set(namesOf(second))).toEqual(new Set(names))
      expect(second.every(({ attempt }) => attempt === 2)).toBe(true)
      expect(inbox.unread).toEqual([])
    },
  },
  {
    title: "a delay may be a fraction of a millisecond",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await engine.publish(newEvent({ routing_key: "calls" }))
      const inbox = new Inbox(engine, "calls")
      void (await inbox.next()).retry(1.5, failureRecord())
      expect(await inbox.next()).toMatchObject({ attempt: 2 })
      expect(engine.status()).toEqual({ state: "ready" })
    },
  },
]
