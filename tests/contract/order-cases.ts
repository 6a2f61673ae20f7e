import { expect } from "bun:test"
import type { Engine } from "../../src/engine/engine.ts"
import type { Priority } from "../../src/event/priority.ts"
import { failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import type { ContractCase } from "./engine-contract.ts"

/** Publishes sequentially: `low-1` is an event of priority low with that name. */
async function publishInOrder(engine: Engine, names: readonly `${Priority}-${number}`[]): Promise<void> {
  for (const name of names) {
    const priority = name.slice(0, name.indexOf("-")) as Priority
    await engine.publish(newEvent({ routing_key: "calls", name, priority }))
  }
}

const LEVELS = ["critical", "high", "medium", "low"] as const satisfies readonly Priority[]

export const orderCases: readonly ContractCase[] = [
  {
    title: "events of one priority are delivered in the order they were published",
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
      const names = namesOf(await new Inbox(engine, "calls").take(8))
      const of = (...levels: Priority[]) =>
        names.filter((name) => levels.some((level) => name.startsWith(level)))
      switch (harness.capabilities.priorities) {
        case "strict":
          expect(names).toEqual(LEVELS.flatMap((level) => [`${level}-1`, `${level}-2`]))
          break
        case "two-level":
          expect(names[0]).toBe("critical-1")
          expect(of("critical", "high")).toEqual(["critical-1", "high-1", "high-2", "critical-2"])
          expect(of("medium", "low")).toEqual(["low-1", "medium-1", "low-2", "medium-2"])
          break
        case "none":
          for (const level of LEVELS) expect(of(level)).toEqual([`${level}-1`, `${level}-2`])
          expect(names[0]).toBe("low-1")
      }
    },
  },
  {
    title:
      "events with an ordering key are delivered in the order they were published, whatever their priority",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      for (const priority of ["low", "critical", "medium", "high", "low", "critical"] as const) {
        await engine.publish(
          newEvent({ routing_key: "calls", name: priority, priority, ordering_key: "s-1" }),
        )
      }
      const deliveries = await new Inbox(engine, "calls").take(6)
      expect(namesOf(deliveries)).toEqual(["low", "critical", "medium", "high", "low", "critical"])
      expect(JSON.parse(deliveries[0]?.body ?? "")).toMatchObject({ priority: "low", ordering_key: "s-1" })
    },
  },
  {
    title: "an event with a higher priority overtakes waiting events, but not delivered ones",
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
      const overtaking = ["low-1", "critical-1", "low-2"]
      const names = namesOf([first, second, await inbox.next()])
      expect(names).toEqual(
        harness.capabilities.priorities === "none" ? ["low-1", "low-2", "critical-1"] : overtaking,
      )
    },
  },
  {
    title:
      "events released after their consumer was cancelled return to their place, in any order of release",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      const names = Array.from({ length: 200 }, (_, i) => `n-${i}`)
      for (const name of names) await engine.publish(newEvent({ routing_key: "calls", name }))
      const before = new Inbox(engine, "calls", 150)
      const held = await before.take(150)
      before.subscription.cancel()
      await Promise.all(held.toReversed().map((delivery) => delivery.release()))
      const again = await new Inbox(engine, "calls").take(200)
      expect(namesOf(again)).toEqual(names)
      const attempt = harness.capabilities.releaseKeepsAttempt ? 1 : 2
      expect(again.map((each) => each.attempt)).toEqual(names.map((_, i) => (i < 150 ? attempt : 1)))
      expect(again.every(({ lastFailure }) => lastFailure === null)).toBe(true)
    },
  },
  {
    title: "a delivery released with tried attempts returns as the attempt after them",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await engine.publish(newEvent({ routing_key: "calls", name: "tried" }))
      await engine.publish(newEvent({ routing_key: "calls", name: "fresh" }))
      const before = new Inbox(engine, "calls", 2)
      const [tried, fresh] = await before.take(2)
      const cancelled = before.subscription.cancel()
      const failure = failureRecord({ attempts: 3 })
      await Promise.all([tried?.release({ attempts: 3, failure }), fresh?.release(), cancelled])
      const again = await new Inbox(engine, "calls", 2).take(2)
      expect(namesOf(again)).toEqual(["tried", "fresh"])
      expect(again[0]).toMatchObject({ attempt: 4, lastFailure: failure })
      expect(again[1]?.lastFailure).toBeNull()
    },
  },
]
