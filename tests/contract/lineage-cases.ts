import { expect } from "bun:test"
import type { Lineage } from "../../src/event/lineage.ts"
import { deadLetterRecord, failureRecord } from "../support/failure-record.ts"
import { Inbox } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import type { ContractCase } from "./engine-contract.ts"

const LINEAGE: Lineage = { causedBy: "cause-ü", hops: 2, chain: ["custom/first", "voice/call.ended"] }
const AFTER_REDRIVE: Lineage = { causedBy: "cause-ü", hops: 0, chain: [] }

export const lineageCases: readonly ContractCase[] = [
  {
    title:
      "every delivery of an event carries its lineage, with and without a trace; a redrive resets the hops",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      const inbox = new Inbox(engine, "calls", 1)
      for (const trace of [{ traceparent, tracestate: null }, null]) {
        const event = newEvent({ routing_key: "calls" })
        await engine.publish(event, { trace, lineage: LINEAGE })
        const first = await inbox.next()
        expect(first).toMatchObject({ trace, lineage: LINEAGE })
        await first.retry(1, failureRecord())
        const second = await inbox.next()
        expect(second).toMatchObject({ trace, lineage: LINEAGE })
        for (let redrive = 0; redrive < 2; redrive++) {
          await (redrive === 0 ? second : await inbox.next()).deadLetter(deadLetterRecord())
          await engine.redrive("calls", {})
        }
        const last = await inbox.next()
        expect(last).toMatchObject({ trace, lineage: AFTER_REDRIVE, attempt: 1 })
        expect(JSON.parse(last.body)).toEqual(event)
        await last.ack()
      }
    },
  },
  {
    title: "an event that came from outside has no lineage",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await engine.publish(newEvent({ routing_key: "calls" }))
      expect((await new Inbox(engine, "calls").next()).lineage).toBeNull()
    },
  },
  {
    title: "a redrive on one queue leaves the event's hops on its other queues, also after a restart",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("failing", { bindings: ["shared"] }),
        queueDeclaration("fine", { bindings: ["shared"] }),
      ])
      await engine.publish(newEvent({ routing_key: "shared" }), { lineage: LINEAGE })
      const inbox = new Inbox(engine, "failing")
      await (await inbox.next()).deadLetter(deadLetterRecord())
      await inbox.subscription.cancel()
      expect(await engine.redrive("failing", {})).toEqual({ redriven: 1, remaining: 0 })
      await engine.close()
      const reopened = await harness.open()
      const redriven = await new Inbox(reopened, "failing").next()
      expect(redriven.lineage).toEqual(AFTER_REDRIVE)
      await redriven.ack()
      const other = await new Inbox(reopened, "fine").next()
      expect(other.lineage).toEqual(LINEAGE)
      await other.ack()
    },
  },
]
