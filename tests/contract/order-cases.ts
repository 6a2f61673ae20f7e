import { expect } from "bun:test"
import type { Engine } from "../../src/engine/engine.ts"
import type { Priority } from "../../src/event/priority.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import type { ContractCase } from "./engine-contract.ts"

/** Publishes one after the other: `low-1` is an event of priority low, named so. */
async function publishInOrder(engine: Engine, names: readonly `${Priority}-${number}`[]): Promise<void> {
  for (const name of names) {
    const priority = name.slice(0, name.indexOf("-")) as Priority
    await engine.publish(newEvent({ routing_key: "calls", name, priority }))
  }
}

export const orderCases: readonly ContractCase[] = [
  {
    title: "events of one priority are delivered in the order in which they were published",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const names = Array.from({ length: 500 }, (_, i) => `n-${i}`)
      await Promise.all(names.map((name) => engine.publish(newEvent({ routing_key: "calls", name }))))
      expect(namesOf(await new Inbox(engine, "calls", 7).take(7))).toEqual(names.slice(0, 7))
      expect(namesOf(await new Inbox(engine, "calls").take(493))).toEqual(names.slice(7))
    },
  },
  {
    title: "waiting events are delivered by priority first, then by arrival",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await publishInOrder(engine, ["low-1", "critical-1", "medium-1", "high-1"])
      await publishInOrder(engine, ["high-2", "low-2", "medium-2", "critical-2"])
      expect(namesOf(await new Inbox(engine, "calls").take(8))).toEqual([
        "critical-1",
        "critical-2",
        "high-1",
        "high-2",
        "medium-1",
        "medium-2",
        "low-1",
        "low-2",
      ])
    },
  },
  {
    title: "an event of a higher priority overtakes those that wait, not those that were delivered",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await publishInOrder(engine, ["low-1", "low-2"])
      const inbox = new Inbox(engine, "calls", 1)
      const first = await inbox.next()
      await publishInOrder(engine, ["critical-1"])
      await first.ack()
      const second = await inbox.next()
      await second.ack()
      expect(namesOf([first, second, await inbox.next()])).toEqual(["low-1", "critical-1", "low-2"])
    },
  },
  {
    title: "a released event goes back to its place, and the attempt does not count",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await publishInOrder(engine, ["medium-1", "medium-2", "medium-3", "medium-4"])
      const before = new Inbox(engine, "calls", 2)
      const held = await before.take(2)
      before.subscription.cancel()
      await Promise.all(held.toReversed().map((delivery) => delivery.release()))
      const again = await new Inbox(engine, "calls").take(4)
      expect(namesOf(again)).toEqual(["medium-1", "medium-2", "medium-3", "medium-4"])
      expect(again.map(({ attempt, lastFailure }) => [attempt, lastFailure])).toEqual(
        Array(4).fill([1, null]),
      )
    },
  },
]
