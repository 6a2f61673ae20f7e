import { expect } from "bun:test"
import type { Engine, QueueDeclaration } from "../../src/engine/engine.ts"
import { Inbox } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase, EngineHarness } from "./engine-contract.ts"

/**
 * Declares a queue with other limits. Returns whether the engine applies them. An engine that does not
 * refuses the queue by name, and leaves it unchanged.
 */
async function redeclares(harness: EngineHarness, engine: Engine, queues: readonly QueueDeclaration[]) {
  if (harness.capabilities.updatesQueues) {
    await engine.declareQueues(queues)
    return true
  }
  const refusal = {
    name: "QueueRefusedError",
    queue: "calls",
    message: expect.stringContaining("the queue calls can't be used"),
  }
  await expect(engine.declareQueues(queues)).rejects.toMatchObject(refusal)
  expect(await engine.queueStats()).toHaveLength(1)
  expect(engine.status()).toEqual({ state: "ready" })
  return false
}

export const queueCases: readonly ContractCase[] = [
  {
    title: "every queue is reported, with its bindings, its consumers and its depth",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("quiet", { bindings: ["a.#", "b.*"] }),
        queueDeclaration("busy"),
      ])
      for (let i = 0; i < 3; i++) await engine.publish(newEvent({ routing_key: "busy" }))
      const inbox = new Inbox(engine, "busy", 1)
      await inbox.next()
      const stats = (await engine.queueStats()).toSorted((a, b) => a.name.localeCompare(b.name))
      const { countsRetries } = harness.capabilities
      const retryingCount = countsRetries ? 0 : null
      const [old, none] = countsRetries ? [expect.any(Number), 0] : [null, null]
      const common = {
        settlingCount: 0,
        retryingCount,
        isHeldElsewhere: false,
        deadLetterCount: 0,
        maxLength: 1_000_000,
        overflow: "reject-publish",
      } as const
      expect(stats).toEqual([
        {
          name: "busy",
          bindings: ["busy"],
          messageCount: 2,
          unsettledCount: 1,
          oldestWaitingMs: old,
          consumerCount: 1,
          ...common,
        },
        {
          name: "quiet",
          bindings: ["a.#", "b.*"],
          messageCount: 0,
          unsettledCount: 0,
          oldestWaitingMs: none,
          consumerCount: 0,
          ...common,
        },
      ])
    },
  },
  {
    title: "a queue that is declared again keeps its events and its consumers",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      await engine.publish(newEvent({ routing_key: "calls", name: "before" }))
      const inbox = new Inbox(engine, "calls")
      await engine.declareQueues([queueDeclaration("calls")])
      await engine.publish(newEvent({ routing_key: "calls", name: "after" }))
      expect(await inbox.take(2)).toHaveLength(2)
    },
  },
  {
    title: "a queue that is declared again replaces its bindings",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { bindings: ["old"] })])
      await engine.publish(newEvent({ routing_key: "old" }))
      await engine.declareQueues([queueDeclaration("calls", { bindings: ["new"] })])
      await engine.publish(newEvent({ routing_key: "new" }))
      await expect(engine.publish(newEvent({ routing_key: "old" }))).rejects.toMatchObject({
        code: "unroutable",
      })
      expect(await statsOf(engine, "calls")).toMatchObject({ bindings: ["new"], messageCount: 2 })
    },
  },
  {
    title: "a queue that is declared again applies the new length limit",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { maxLength: 1 })])
      await engine.publish(newEvent({ routing_key: "calls" }))
      if (!(await redeclares(harness, engine, [queueDeclaration("calls", { maxLength: 2 })]))) return
      await engine.publish(newEvent({ routing_key: "calls" }))
      await expect(engine.publish(newEvent({ routing_key: "calls" }))).rejects.toMatchObject({
        code: "queue-full",
      })
    },
  },
  {
    title: "a queue that is declared again with drop-head and a lower limit shrinks to it",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls")])
      for (let i = 0; i < 6; i++) await engine.publish(newEvent({ routing_key: "calls" }))
      if (
        !(await redeclares(harness, engine, [
          queueDeclaration("calls", { maxLength: 2, overflow: "drop-head" }),
        ]))
      )
        return
      await engine.publish(newEvent({ routing_key: "calls" }))
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 2, deadLetterCount: 5 })
    },
  },
  {
    title: "a queue that is declared again applies the new time to live",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { ttlMs: 1 })])
      if (!(await redeclares(harness, engine, [queueDeclaration("calls")]))) return
      const publishedAt = Date.now()
      await engine.publish(newEvent({ routing_key: "calls" }))
      await waitUntil(() => Date.now() > publishedAt + 5, "the old time to live to pass")
      await new Inbox(engine, "calls").next()
    },
  },
]
