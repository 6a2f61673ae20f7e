import { expect } from "bun:test"
import type { Delivery, Engine, QueueStats } from "../../src/engine/engine.ts"
import { deadLetterRecord, failureRecord } from "../support/failure-record.ts"
import { Inbox } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase, EngineHarness } from "./engine-contract.ts"

const LONG_MS = 3_600_000
const SHORT_MS = 50
const AGE_MS = 100

type Counts = Pick<QueueStats, "messageCount" | "unsettledCount" | "retryingCount" | "deadLetterCount">

/** Waits for these counts, and for no settlement under way. An engine that counts no retries says null instead. */
async function counted({ capabilities }: EngineHarness, engine: Engine, expected: Counts): Promise<void> {
  const retryingCount = capabilities.countsRetries ? expected.retryingCount : null
  const all = { ...expected, retryingCount, settlingCount: 0 }
  await waitUntil(
    async () => {
      const { messageCount, unsettledCount, deadLetterCount, ...more } = await statsOf(engine, "calls")
      const { retryingCount, settlingCount } = more
      const counts = { messageCount, unsettledCount, retryingCount, deadLetterCount, settlingCount }
      return Bun.deepEquals(counts, all)
    },
    `the counts ${JSON.stringify(all)}`,
  )
}

const NONE: Counts = { messageCount: 0, unsettledCount: 0, retryingCount: 0, deadLetterCount: 0 }

async function openWith(harness: EngineHarness, count: number): Promise<Engine> {
  const engine = await harness.open()
  await engine.declareQueues([queueDeclaration("calls")])
  for (let i = 0; i < count; i++) await engine.publish(newEvent({ routing_key: "calls" }))
  return engine
}

/** Takes one event, settles it, and stops consuming. */
async function settleOne(engine: Engine, settle: (delivery: Delivery) => Promise<void>): Promise<void> {
  const inbox = new Inbox(engine, "calls", 1)
  await settle(await inbox.next())
  const cancelled = inbox.subscription.cancel()
  for (const delivery of inbox.unread) void delivery.release()
  await cancelled
}

const ageOf = async (engine: Engine): Promise<number | null> =>
  (await statsOf(engine, "calls")).oldestWaitingMs

export const countCases: readonly ContractCase[] = [
  {
    title: "each event is in one count, however it is settled",
    async run(harness) {
      const engine = await openWith(harness, 5)
      await counted(harness, engine, { ...NONE, messageCount: 5 })
      const inbox = new Inbox(engine, "calls", 5)
      const [handled, failed, dead, released, held] = await inbox.take(5)
      await counted(harness, engine, { ...NONE, unsettledCount: 5 })
      await handled?.ack()
      await failed?.retry(LONG_MS, failureRecord())
      await dead?.deadLetter(deadLetterRecord())
      await counted(harness, engine, { ...NONE, unsettledCount: 2, retryingCount: 1, deadLetterCount: 1 })
      const cancelled = inbox.subscription.cancel()
      void released?.release()
      await held?.ack()
      await cancelled
      await counted(harness, engine, { ...NONE, messageCount: 1, retryingCount: 1, deadLetterCount: 1 })
    },
  },
  {
    title: "a released event that returns only with the others is unsettled until then",
    async run(harness) {
      const engine = await openWith(harness, 2)
      const inbox = new Inbox(engine, "calls", 2)
      const [first, second] = await inbox.take(2)
      const cancelled = inbox.subscription.cancel()
      void first?.release()
      await waitUntil(async () => {
        const { messageCount, unsettledCount } = await statsOf(engine, "calls")
        return messageCount + unsettledCount === 2
      }, "both events to be counted")
      await Bun.sleep(SHORT_MS)
      const { messageCount, unsettledCount } = await statsOf(engine, "calls")
      expect(messageCount + unsettledCount).toBe(2)
      void second?.release()
      await cancelled
      await counted(harness, engine, { ...NONE, messageCount: 2 })
    },
  },
  {
    title: "an event that retries is counted as such until it is due, and then in the queue",
    async run(harness) {
      const engine = await openWith(harness, 2)
      await settleOne(engine, (delivery) => delivery.retry(LONG_MS, failureRecord()))
      await counted(harness, engine, { ...NONE, messageCount: 1, retryingCount: 1 })
      await settleOne(engine, (delivery) => delivery.retry(SHORT_MS, failureRecord()))
      await counted(harness, engine, { ...NONE, messageCount: 1, retryingCount: 1 })
    },
  },
  {
    title: "a redrive and a purge move events between the counts, and leave those that retry",
    async run(harness) {
      const engine = await openWith(harness, 3)
      await settleOne(engine, (delivery) => delivery.retry(LONG_MS, failureRecord()))
      await settleOne(engine, (delivery) => delivery.deadLetter(deadLetterRecord()))
      await counted(harness, engine, { ...NONE, messageCount: 1, retryingCount: 1, deadLetterCount: 1 })
      await engine.redrive("calls", {})
      await counted(harness, engine, { ...NONE, messageCount: 2, retryingCount: 1 })
      await engine.queueAdministration.purge("calls")
      await counted(harness, engine, { ...NONE, retryingCount: 1 })
    },
  },
  {
    title: "after a kill (SIGKILL) every event is in one count again",
    async run(harness) {
      const engine = await openWith(harness, 5)
      await settleOne(engine, (delivery) => delivery.retry(LONG_MS, failureRecord()))
      await settleOne(engine, (delivery) => delivery.deadLetter(deadLetterRecord()))
      await engine.close()
      expect(await harness.crashHolding("calls", 2)).toHaveLength(2)
      const reopened = await harness.open()
      await reopened.declareQueues([queueDeclaration("calls")])
      await counted(harness, reopened, { ...NONE, messageCount: 3, retryingCount: 1, deadLetterCount: 1 })
    },
  },
  {
    title:
      "an event that is held for its key until its next attempt is unsettled, and the consumer counts it",
    async run(harness) {
      const engine = await openWith(harness, 0)
      // RabbitMQ gives the first event of a key back, to consume with a look-ahead from then on.
      const onDelivery = (delivery: Delivery) => void delivery.retry(LONG_MS, failureRecord())
      const subscription = engine.consume("calls", { prefetch: 1, order: "by-key", onDelivery })
      expect(subscription.retrying).toBe(0)
      await engine.publish(newEvent({ routing_key: "calls", ordering_key: "a" }))
      await waitUntil(() => subscription.retrying === 1, "the event to be held")
      await counted(harness, engine, { ...NONE, unsettledCount: 1 })
      await subscription.cancel()
      expect(subscription.retrying).toBe(0)
      await counted(harness, engine, { ...NONE, messageCount: 1 })
    },
  },
  {
    title: "the age of the oldest waiting event is that of the event that came first, whatever its priority",
    async run(harness) {
      const engine = await openWith(harness, 0)
      if (!harness.capabilities.countsRetries) {
        expect(await ageOf(engine)).toBeNull()
        return
      }
      expect(await ageOf(engine)).toBe(0)
      await engine.publish(newEvent({ routing_key: "calls", priority: "low" }))
      await waitUntil(async () => ((await ageOf(engine)) ?? 0) >= AGE_MS, "the event to be old")
      await engine.publish(newEvent({ routing_key: "calls", priority: "critical" }))
      expect(await ageOf(engine)).toBeGreaterThanOrEqual(AGE_MS)
      // The critical one first.
      await settleOne(engine, (delivery) => delivery.ack())
      await counted(harness, engine, { ...NONE, messageCount: 1 })
      expect(await ageOf(engine)).toBeGreaterThanOrEqual(AGE_MS)
      await settleOne(engine, (delivery) => delivery.deadLetter(deadLetterRecord()))
      await counted(harness, engine, { ...NONE, deadLetterCount: 1 })
      expect(await ageOf(engine)).toBe(0)
      await engine.redrive("calls", {})
      expect(await ageOf(engine)).toBeLessThan(AGE_MS)
    },
  },
]
