import { expect } from "bun:test"
import type { Engine } from "../../src/engine/engine.ts"
import { deadLettersOf } from "../support/dead-letters-of.ts"
import { deadLetterRecord, failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import type { ContractCase } from "./engine-contract.ts"
import { fill } from "./fill.ts"

export const durabilityCases: readonly ContractCase[] = [
  {
    title: "an acked event does not return after a restart",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      for (const name of ["done", "waiting"]) await engine.publish(newEvent({ routing_key: "calls", name }))
      await (await new Inbox(engine, "calls", 1).next()).ack()
      await engine.close()
      const reopened = await harness.open()
      expect(namesOf([await new Inbox(reopened, "calls").next()])).toEqual(["waiting"])
      expect(await statsOf(reopened, "calls")).toMatchObject({ messageCount: 0 })
    },
  },
  {
    title: "queues, bindings, and events in every state survive a restart, declared again or not",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { bindings: ["call.*"] })])
      const names = ["dead", "delayed", "waiting-1", "waiting-2"]
      for (const name of names) await engine.publish(newEvent({ routing_key: "call.x", name }))
      const inbox = new Inbox(engine, "calls", 2)
      const [dead, delayed] = await inbox.take(2)
      inbox.subscription.cancel()
      const failure = failureRecord()
      const death = deadLetterRecord({ reason: "rejected" })
      await dead?.deadLetter(death)
      await delayed?.retry(500, failure)
      await engine.close()

      const reopened = await harness.open()
      expect(await statsOf(reopened, "calls")).toMatchObject({
        bindings: ["call.*"],
        messageCount: 2,
        deadLetterCount: 1,
      })
      await reopened.publish(newEvent({ routing_key: "call.y", name: "new" }))
      const again = await new Inbox(reopened, "calls").take(4)
      expect(namesOf(again)).toEqual(["waiting-1", "waiting-2", "new", "delayed"])
      expect(again.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 2])
      expect(again[3]?.lastFailure).toEqual(failure)
      const kept = await deadLettersOf(reopened, "calls", { limit: 10 })
      expect(namesOf(kept)).toEqual(["dead"])
      expect(kept[0]?.failure).toEqual(death)
    },
  },
  {
    title: "retries from before a restart do not collide with later ones",
    async run(harness) {
      const retry = async (engine: Engine, name: string): Promise<void> => {
        await engine.publish(newEvent({ routing_key: "calls", name }))
        const inbox = new Inbox(engine, "calls")
        await (await inbox.next()).retry(500, failureRecord())
        inbox.subscription.cancel()
      }
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await retry(engine, "before")
      await engine.close()
      const reopened = await harness.open()
      await retry(reopened, "after")
      expect(namesOf(await new Inbox(reopened, "calls").take(2))).toEqual(["before", "after"])
    },
  },
  {
    title: "dead letters from before a restart do not collide with later ones",
    async run(harness) {
      const bury = async (engine: Engine, name: string): Promise<void> => {
        await engine.publish(newEvent({ routing_key: "calls", name }))
        await (await new Inbox(engine, "calls").next()).deadLetter(deadLetterRecord())
      }
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await bury(engine, "before")
      await engine.close()
      const reopened = await harness.open()
      await bury(reopened, "after")
      expect(namesOf(await deadLettersOf(reopened, "calls", { limit: 10 }))).toEqual(["before", "after"])
    },
  },
  {
    title: "limits survive a restart",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 1 })])
      await fill(harness, 1, () => engine.publish(newEvent({ routing_key: "calls" })))
      await engine.close()
      const reopened = await harness.open()
      await expect(reopened.publish(newEvent({ routing_key: "calls" }))).rejects.toMatchObject({
        code: "queue-full",
      })
    },
  },
  {
    title: "deliveries held by a killed process are delivered again first, with the attempt counted",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      for (const name of ["a", "b", "c", "d"]) await engine.publish(newEvent({ routing_key: "calls", name }))
      await engine.close()

      const held = await harness.crashHolding("calls", 2)
      expect(namesOf(held)).toEqual(["a", "b"])
      expect(held.map(({ attempt }) => attempt)).toEqual([1, 1])
      const heldAgain = await harness.crashHolding("calls", 3)
      expect(heldAgain.map(({ attempt }) => attempt)).toEqual([2, 2, 1])

      const reopened = await harness.open()
      await reopened.publish(newEvent({ routing_key: "calls", name: "e" }))
      const again = await new Inbox(reopened, "calls").take(5)
      expect(namesOf(again)).toEqual(["a", "b", "c", "d", "e"])
      const attempts = harness.capabilities.countsEveryRedelivery ? [3, 3, 2, 1, 1] : [2, 2, 2, 1, 1]
      expect(again.map(({ attempt }) => attempt)).toEqual(attempts)
    },
  },
  {
    title: "a crash during a retry keeps the failure of the previous attempt",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await engine.publish(newEvent({ routing_key: "calls" }))
      const failure = failureRecord()
      const inbox = new Inbox(engine, "calls")
      const first = await inbox.next()
      inbox.subscription.cancel()
      await first.retry(0, failure)
      await engine.close()
      expect(await harness.crashHolding("calls", 1)).toMatchObject([{ attempt: 2 }])
      const reopened = await harness.open()
      expect(await new Inbox(reopened, "calls").next()).toMatchObject({ attempt: 3, lastFailure: failure })
    },
  },
  {
    title: "deliveries that were unsettled when the engine was closed are delivered again",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await engine.publish(newEvent({ routing_key: "calls", name: "held" }))
      const held = await new Inbox(engine, "calls").next()
      await engine.close()
      await expect(held.ack()).rejects.toThrow("closed")
      const reopened = await harness.open()
      expect(namesOf([await new Inbox(reopened, "calls").next()])).toEqual(["held"])
    },
  },
  {
    title: "closing confirms publishes in progress, and refuses later ones",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const begun = engine.publish(newEvent({ routing_key: "calls" }))
      await Promise.all([begun, engine.close()])
      expect(engine.status()).toEqual({ state: "closed" })
      await expect(engine.publish(newEvent({ routing_key: "calls" }))).rejects.toMatchObject({
        code: "engine-unavailable",
        outcome: "not-stored",
      })
      await engine.close()
      expect(await statsOf(await harness.open(), "calls")).toMatchObject({ messageCount: 1 })
    },
  },
]
