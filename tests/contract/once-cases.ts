import { expect } from "bun:test"
import type { Engine } from "../../src/engine/engine.ts"
import type { Mark, Once } from "../../src/engine/once.ts"
import type { Event } from "../../src/event/envelope.ts"
import { deadLettersOf } from "../support/dead-letters-of.ts"
import { deadLetterRecord, failureRecord } from "../support/failure-record.ts"
import { Inbox, namesOf } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"
import { waitUntil } from "../support/wait-until.ts"
import type { ContractCase } from "./engine-contract.ts"
import { fill } from "./fill.ts"

const WINDOW_MS = 60_000

const once = (...marks: readonly Mark[]): { readonly once: Once } => ({
  once: { marks, windowMs: WINDOW_MS },
})
const byId = (id: string): Mark => ({ by: "id", hash: `id ${id}`, fingerprint: null })
const byKey = (key: string, fingerprint: string): Mark => ({ by: "key", hash: `key ${key}`, fingerprint })
const ofRequest = (key: string, fingerprint: string): Mark => ({
  by: "request",
  hash: `key ${key}`,
  fingerprint,
})

const receiptOf = ({ id, type, name, routing_key, timestamp }: Event) => ({
  id,
  type,
  name,
  routing_key,
  timestamp,
})

const call = (name = "tested"): Event => newEvent({ routing_key: "calls", name })

async function openWithCalls(harness: { open(): Promise<Engine> }, maxLength = 1_000): Promise<Engine> {
  const engine = await harness.open()
  await engine.declareQueues([queueDeclaration("calls", { maxLength })])
  return engine
}

export const onceCases: readonly ContractCase[] = [
  {
    title: "an event with a known id is stored once, and its publisher gets the first receipt",
    async run(harness) {
      const engine = await openWithCalls(harness)
      const first = call("first")
      expect(await engine.publish(first, once(byId("a")))).toBeNull()
      const second = await engine.publish(call("second"), once(byId("a")))
      expect(second).toEqual({ ...receiptOf(first), duplicate: true })
      expect(await engine.publish(call("third"), once(byId("b")))).toBeNull()
      expect(namesOf(await new Inbox(engine, "calls").take(2))).toEqual(["first", "third"])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0 })
    },
  },
  {
    title: "a repeated key gets the first receipt; with another fingerprint it is refused",
    async run(harness) {
      const engine = await openWithCalls(harness)
      const first = call("first")
      expect(await engine.publish(first, once(byKey("k", "one")))).toBeNull()
      expect(await engine.publish(call(), once(byKey("k", "one")))).toEqual({
        ...receiptOf(first),
        replayed: true,
      })
      await expect(engine.publish(call(), once(byKey("k", "two")))).rejects.toMatchObject({
        name: "PublishError",
        code: "idempotency-key-reused",
        outcome: "not-stored",
        isPermanent: true,
      })
      expect(namesOf(await new Inbox(engine, "calls").take(1))).toEqual(["first"])
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 0 })
    },
  },
  {
    title: "a new key for a known id gets the receipt of the duplicate, and again when it is repeated",
    async run(harness) {
      const engine = await openWithCalls(harness)
      const first = call("first")
      await engine.publish(first, once(byKey("k1", "x"), byId("a")))
      const duplicate = { ...receiptOf(first), duplicate: true } as const
      const publish = () => engine.publish(call(), once(byKey("k2", "x"), byId("a")))
      expect(await publish()).toEqual(duplicate)
      expect(await publish()).toEqual({ ...duplicate, replayed: true })
    },
  },
  {
    title: "the events of a request are stored once each, and the request has one fingerprint",
    async run(harness) {
      const engine = await openWithCalls(harness)
      const publish = (name: string, fingerprint = "body") =>
        engine.publish(
          call(name),
          once(ofRequest("k", fingerprint), { ...byKey(`k-${name}`, ""), fingerprint: null }),
        )
      expect(await Promise.all([publish("a"), publish("b")])).toEqual([null, null])
      const again = await Promise.all([publish("a"), publish("b"), publish("c")])
      expect(again.map((each) => each?.name)).toEqual(["a", "b", undefined])
      await expect(publish("d", "other")).rejects.toMatchObject({ code: "idempotency-key-reused" })
      expect(namesOf(await new Inbox(engine, "calls").take(3))).toEqual(["a", "b", "c"])
    },
  },
  {
    title: "of many publishes at once that repeat each other, one is stored",
    async run(harness) {
      const engine = await openWithCalls(harness)
      const publishes = Array.from({ length: 200 }, (_, n) =>
        engine.publish(call(`n${n}`), once(byId("same"))),
      )
      const results = await Promise.all(publishes)
      expect(results.filter((each) => each === null)).toHaveLength(1)
      expect(new Set(results.flatMap((each) => each?.name ?? []))).toEqual(new Set(["n0"]))
      await waitUntil(async () => (await statsOf(engine, "calls")).messageCount === 1, "one event")
    },
  },
  {
    title: "a refused publish leaves no mark",
    async run(harness) {
      const engine = await openWithCalls(harness, 1)
      await fill(harness, 1, () => engine.publish(call()))
      await expect(engine.publish(call(), once(byId("a")))).rejects.toMatchObject({ code: "queue-full" })
      const elsewhere = newEvent({ routing_key: "elsewhere" })
      await expect(engine.publish(elsewhere, once(byId("b")))).rejects.toMatchObject({ code: "unroutable" })
      await engine.declareQueues([queueDeclaration("elsewhere")])
      expect(await engine.publish(elsewhere, once(byId("b")))).toBeNull()
      expect(await engine.publish(elsewhere, once(byId("a")))).toBeNull()
    },
  },
  {
    title: "a repetition is answered although the queue is full meanwhile",
    async run(harness) {
      const engine = await openWithCalls(harness, 1)
      await engine.publish(call(), once(byId("a")))
      await fill(harness, 0, () => engine.publish(call()))
      expect(await engine.publish(call(), once(byId("a")))).toMatchObject({ duplicate: true })
    },
  },
  {
    title: "a mark is forgotten after its window",
    async run(harness) {
      const engine = await openWithCalls(harness)
      const publish = () => engine.publish(call(), { once: { marks: [byId("a")], windowMs: 300 } })
      expect(await publish()).toBeNull()
      expect(await publish()).not.toBeNull()
      await Bun.sleep(350)
      expect(await publish()).toBeNull()
    },
  },
  {
    title: "retries and redrives are no repetitions",
    async run(harness) {
      const engine = await openWithCalls(harness)
      await engine.publish(call("first"), once(byId("a")))
      const inbox = new Inbox(engine, "calls")
      await (await inbox.next()).retry(0, failureRecord())
      await (await inbox.next()).deadLetter(deadLetterRecord())
      await waitUntil(async () => (await deadLettersOf(engine, "calls", {})).length === 1, "the dead letter")
      expect(await engine.redrive("calls", {})).toMatchObject({ redriven: 1 })
      expect(namesOf([await inbox.next()])).toEqual(["first"])
    },
  },
  {
    title: "after a restart, repetitions are recognized as far as the engine says",
    async run(harness) {
      const engine = await openWithCalls(harness)
      const first = call("first")
      await engine.publish(first, once(byKey("k", "x"), byId("a")))
      await engine.close()
      const reopened = await harness.open()
      const again = await reopened.publish(call("second"), once(byKey("k", "x"), byId("a")))
      expect(again).toEqual(
        harness.capabilities.deduplicates === "exact" ? { ...receiptOf(first), replayed: true } : null,
      )
    },
  },
]
