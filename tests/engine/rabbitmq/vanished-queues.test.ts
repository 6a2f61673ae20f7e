import { expect, test } from "bun:test"
import { PublishError } from "../../../src/engine/errors.ts"
import type { RabbitMqEngine } from "../../../src/engine/rabbitmq/rabbitmq-engine.ts"
import { deadLetterRecord } from "../../support/failure-record.ts"
import { Inbox, namesOf } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { statsOf } from "../../support/queue-stats.ts"
import { type OpenHost, onEveryQueueType } from "../../support/rabbitmq/on-every-queue-type.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

/** RabbitMQ 3 may forget a consumer on a machine so busy that it is told of a deletion too late. */
const RENEW_IDLE_MS = 10_000

/** How often a consumed queue is deleted. Not every deletion meets the moment that `forgetsConsumers` is about. */
const DELETIONS = 10

onEveryQueueType(cases)

function cases(open: OpenHost): void {
  test(
    "a deleted queue without a consumer is declared again by its next event, which is stored",
    async () => {
      await using host = await open()
      const { engine, other } = host
      await host.declare("calls", "others")
      await other.queueDelete("calls")
      const names = Array.from({ length: 50 }, (_, index) => `n${index}`)
      await Promise.all(names.map((name) => publish(engine, "calls", name)))
      const inbox = new Inbox(engine, "calls")
      expect(new Set(namesOf(await inbox.take(names.length)))).toEqual(new Set(names))
      try {
        await publish(engine, "nobody")
        expect.unreachable()
      } catch (error) {
        expect(error).toMatchObject({ code: "unroutable" })
      }
    },
    TIMEOUT_MS,
  )

  test(
    "events of a queue that another program deletes and recreates at once are delivered",
    async () => {
      await using host = await open({ renewIdleMs: 100 })
      const { engine, other } = host
      await host.declare("calls")
      const inbox = new Inbox(engine, "calls")
      for (let round = 0; round < DELETIONS; round++) {
        await publish(engine, "calls", `n${round}`)
        const delivery = await inbox.next()
        expect(namesOf([delivery])).toEqual([`n${round}`])
        await delivery.ack()
        await other.queueDelete("calls")
        await engine.declareQueues([queueDeclaration("calls")])
      }
      expect(host.states).toEqual(["ready"])
    },
    TIMEOUT_MS,
  )

  test(
    "every instance that consumes a deleted queue consumes the one that an event declares again",
    async () => {
      await using host = await open({ renewIdleMs: RENEW_IDLE_MS })
      const { engine, other } = host
      await host.declare("calls")
      const second = host.newEngine({ renewIdleMs: RENEW_IDLE_MS })
      await second.declareQueues([queueDeclaration("calls")])
      const inboxes = [new Inbox(engine, "calls", 1), new Inbox(second, "calls", 1)]
      for (let round = 0; round < DELETIONS; round++) {
        await waitUntil(async () => (await statsOf(engine, "calls")).consumerCount === 2, "both consumers")
        await other.queueDelete("calls")
        await publish(engine, "calls")
        await publish(engine, "calls")
        // With a prefetch of 1, each instance takes one of two events.
        const deliveries = await Promise.all(inboxes.map((inbox) => inbox.next()))
        for (const delivery of deliveries) await delivery.ack()
      }
      await second.close()
    },
    TIMEOUT_MS,
  )

  test(
    "an exchange that was deleted and recreated without bindings is bound again, and events are stored",
    async () => {
      await using host = await open()
      const { engine, other } = host
      await engine.declareQueues([
        queueDeclaration("calls", { bindings: ["calls", "both"] }),
        queueDeclaration("others", { bindings: ["others", "both"] }),
      ])
      await other.exchangeDelete("events")
      await other.exchangeDeclare("events", "topic", { durable: true, autoDelete: false })
      await publish(engine, "calls")
      await publish(engine, "both")
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 2 })
      expect(await statsOf(engine, "others")).toMatchObject({ messageCount: 1 })
    },
    TIMEOUT_MS,
  )

  test(
    "watchers learn of a gap and see later events after the exchange was deleted and recreated",
    async () => {
      await using host = await open()
      const { engine, other } = host
      await host.declare("calls")
      const seen: string[] = []
      const end = await engine.watch({
        onEvent: ({ routingKey }) => seen.push(routingKey),
        onGap: () => seen.push("gap"),
      })
      await other.exchangeDelete("events")
      await other.exchangeDeclare("events", "topic", { durable: true, autoDelete: false })
      await waitUntil(async () => {
        await publish(engine, "calls")
        return seen.includes("calls")
      }, "an event to be seen")
      expect(seen[0]).toBe("gap")
      end()
    },
    TIMEOUT_MS,
  )

  test(
    "a queue recreated with other arguments explains its failed publishes, and other events are stored",
    async () => {
      await using host = await open()
      const { engine, other, log } = host
      await host.declare("calls", "others")
      await other.queueDelete("calls")
      await host.declareOtherwise("calls")
      for (let i = 0; i < 3; i++) {
        try {
          await publish(engine, "calls")
          expect.unreachable()
        } catch (error) {
          expect(error).toBeInstanceOf(PublishError)
          expect(error).toMatchObject({ code: "engine-unavailable", outcome: "not-stored" })
          expect(String(error)).toContain("PRECONDITION_FAILED - inequivalent arg")
        }
      }
      await publish(engine, "others")
      expect(log.map(({ message }) => message)).toEqual([
        "calls can't be used: it is missing and can't be declared again",
      ])
      expect(engine.status()).toMatchObject({ warning: expect.stringContaining("PRECONDITION_FAILED") })
      await other.queueDelete("calls")
      await waitUntil(async () => {
        try {
          await publish(engine, "calls")
          return true
        } catch {
          return false
        }
      }, "the queue to be declared again")
      expect(engine.status()).toEqual({ state: "ready" })
    },
    TIMEOUT_MS,
  )

  test(
    "a missing queue affects only its own statistics, and is declared again",
    async () => {
      await using host = await open()
      const { engine, other, states } = host
      await host.declare("calls", "others", "third")
      await publish(engine, "others")
      await publish(engine, "third")
      await other.queueDelete("calls")
      await other.queueDelete("dead.others")
      const stats = await engine.queueStats()
      expect(stats.map(({ name, messageCount }) => [name, messageCount])).toEqual([
        ["calls", 0],
        ["others", 1],
        ["third", 1],
      ])
      expect(await host.has("calls")).toBe(true)
      expect(await host.has("dead.others")).toBe(true)
      await other.queueDelete("dead.third")
      expect(await engine.deadLetters("third", {})).toMatchObject({ letters: [], cursor: null })
      await other.queueDelete("calls")
      await other.queueDeclare("calls", { durable: false, exclusive: true })
      expect((await engine.queueStats()).map(({ name }) => name)).toEqual(["others", "third"])
      expect(engine.status()).toMatchObject({ warning: expect.stringContaining("RESOURCE_LOCKED") })
      expect(states).toEqual(["ready"])
    },
    TIMEOUT_MS,
  )

  test(
    "dead letters of a deleted queue return to it",
    async () => {
      await using host = await open()
      const { engine, other } = host
      await host.declare("calls")
      const inbox = new Inbox(engine, "calls")
      await publish(engine, "calls")
      await (await inbox.next()).deadLetter(deadLetterRecord({ reason: "rejected" }))
      await inbox.subscription.cancel()
      await other.queueDelete("calls")
      expect(await engine.redrive("calls", {})).toEqual({ redriven: 1, remaining: 0 })
      expect(await statsOf(engine, "calls")).toMatchObject({ messageCount: 1, deadLetterCount: 0 })
    },
    TIMEOUT_MS,
  )

  test(
    "thousands of concurrent requests for queue depths, within a second, share one reading",
    async () => {
      await using host = await open({ lookLastsMs: 60_000 })
      const { engine } = host
      await host.declare("calls", "others")
      const looks = await Promise.all(Array.from({ length: 3_000 }, () => engine.queueStats()))
      expect(new Set(looks).size).toBe(1)
      expect(await engine.queueStats()).toBe(looks[0] ?? [])
      await engine.declareQueues([queueDeclaration("third")])
      expect((await engine.queueStats()).map(({ name }) => name)).toEqual(["calls", "others", "third"])
    },
    TIMEOUT_MS,
  )
}

const publish = (engine: RabbitMqEngine, queue: string, name = "tested") =>
  engine.publish(newEvent({ routing_key: queue, name }))
