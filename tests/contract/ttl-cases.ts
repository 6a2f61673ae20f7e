import { expect } from "bun:test"
import type { Engine } from "../../src/engine/engine.ts"
import { deadLettersOf } from "../support/dead-letters-of.ts"
import { failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase } from "./engine-contract.ts"

const TTL_MS = 40

/** On a busy machine an event could expire before a consumer has started. */
async function consumingInbox(engine: Engine): Promise<Inbox> {
  const inbox = new Inbox(engine, "calls")
  await waitUntil(() => inbox.subscription.isConsuming, "the consumer to start")
  return inbox
}

export const ttlCases: readonly ContractCase[] = [
  {
    title: "an event that waits too long becomes a dead letter, without any consumer",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { ttlMs: TTL_MS })])
      const publishedAt = Date.now()
      await engine.publish(newEvent({ routing_key: "calls", name: "late", priority: "low" }))
      await engine.publish(newEvent({ routing_key: "calls", name: "later", priority: "critical" }))
      await waitUntil(async () => (await statsOf(engine, "calls")).deadLetterCount === 2, "both to expire")
      expect(Date.now() - publishedAt).toBeGreaterThanOrEqual(TTL_MS)
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0 })
      const dead = await deadLettersOf(engine, "calls", { limit: 10 })
      expect([...namesOf(dead)].toSorted()).toEqual(["late", "later"])
      for (const { failure } of dead) {
        expect(failure).toMatchObject({ reason: "expired", attempts: 0, error: null, module: null })
        // The broker's timestamp has a resolution of one second.
        expect(failure.lastFailedAt).toBeGreaterThanOrEqual(Math.floor(publishedAt / 1_000) * 1_000)
      }
    },
  },
  {
    title: "an event that expired behind a busy consumer is never delivered",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { ttlMs: TTL_MS })])
      const inbox = new Inbox(engine, "calls", 1)
      await waitUntil(() => inbox.subscription.isConsuming, "the consumer to begin")
      await engine.publish(newEvent({ routing_key: "calls", name: "taken" }))
      const taken = await inbox.next()
      for (let i = 0; i < 20; i++) await engine.publish(newEvent({ routing_key: "calls", name: "late" }))
      const waitingSince = Date.now()
      await waitUntil(() => Date.now() > waitingSince + 2 * TTL_MS, "the time to live to pass")
      await taken.ack()
      await waitUntil(
        async () => (await statsOf(engine, "calls")).deadLetterCount === 20,
        "the late to expire",
      )
      await engine.publish(newEvent({ routing_key: "calls", name: "fresh" }))
      expect(namesOf([taken, await inbox.next()])).toEqual(["taken", "fresh"])
      const attempts = (await deadLettersOf(engine, "calls", { limit: 20 })).map(
        ({ failure }) => failure.attempts,
      )
      expect(attempts).toEqual(Array(20).fill(0))
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0, unsettledCount: 1 })
    },
  },
  {
    title: "an event does not expire while a consumer holds it or while it waits for a retry",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([
        queueDeclaration("calls", { ttlMs: TTL_MS }),
        queueDeclaration("witness", { ttlMs: 1 }),
      ])
      const inbox = await consumingInbox(engine)
      await engine.publish(newEvent({ routing_key: "calls" }))
      const delivery = await inbox.next()
      const heldSince = Date.now()
      await waitUntil(() => Date.now() > heldSince + 2 * TTL_MS, "the time to live to pass")
      // After the witness has expired, the engine has checked for expired events.
      await engine.publish(newEvent({ routing_key: "witness" }))
      await waitUntil(
        async () => (await statsOf(engine, "witness")).deadLetterCount === 1,
        "the witness to expire",
      )
      await delivery.retry(3 * TTL_MS, failureRecord())
      await (await inbox.next()).ack()
      expect(await statsOf(engine, "calls")).toMatchObject({ deadLetterCount: 0 })
    },
  },
  {
    title: "an event that expires after a failed attempt keeps that failure's error",
    async run(harness) {
      const engine = await harness.open()
      await engine.declareQueues([queueDeclaration("calls", { ttlMs: TTL_MS })])
      const inbox = await consumingInbox(engine)
      await engine.publish(newEvent({ routing_key: "calls" }))
      const delivery = await inbox.next()
      inbox.subscription.cancel()
      const failure = failureRecord({ firstFailedAt: 1_600_000_000_000 })
      await delivery.retry(1, failure)
      await waitUntil(
        async () => (await statsOf(engine, "calls")).deadLetterCount === 1,
        "the retry to expire",
      )
      const [dead] = await deadLettersOf(engine, "calls", { limit: 1 })
      expect(dead?.failure).toMatchObject({
        reason: "expired",
        attempts: 1,
        firstFailedAt: failure.firstFailedAt,
        error: failure.error,
        module: failure.module,
      })
    },
  },
]
