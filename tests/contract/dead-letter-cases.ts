import { expect } from "bun:test"
import { failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import type { ContractCase } from "./engine-contract.ts"

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
]
