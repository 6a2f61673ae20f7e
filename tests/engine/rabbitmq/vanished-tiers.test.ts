import { expect, test } from "bun:test"
import type { RabbitMqEngine } from "../../../src/engine/rabbitmq/rabbitmq-engine.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"
import { Inbox, namesOf } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { type OpenHost, onEveryQueueType } from "../../support/rabbitmq/on-every-queue-type.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

/** A delay with a tier of its own: the retries wait in `retry.calls.100`. */
const DELAY_MS = 100

onEveryQueueType(cases)

function cases(open: OpenHost): void {
  test(
    "a delay tier that was deleted is declared again, and the retry is stored",
    async () => {
      await using host = await open()
      const { engine, other, log, states } = host
      await host.declare("calls")
      const inbox = new Inbox(engine, "calls")
      await publish(engine, "calls")
      await retried(inbox)
      await other.queueDelete("retry.calls.100")
      await publish(engine, "calls")
      await retried(inbox)
      expect(states).toEqual(["ready"])
      expect(new Set(log.map(({ level, message }) => `${level}: ${message}`))).toEqual(
        new Set(["warn: retry.calls.100 was missing on RabbitMQ and has been declared again"]),
      )
    },
    TIMEOUT_MS,
  )

  test(
    "delay tiers that expire by a policy are declared again",
    async () => {
      await using host = await open()
      const { engine } = host
      await host.declare("calls")
      const inbox = new Inbox(engine, "calls")
      await publish(engine, "calls")
      await retried(inbox)
      await host.expire("^retry\\.", 300)
      await waitUntil(async () => !(await host.has("retry.calls.100")), "the tier to expire")
      await publish(engine, "calls")
      await retried(inbox)
    },
    TIMEOUT_MS,
  )

  test(
    "a deleted dead-letter queue and its exchange are declared again, and the dead letter is stored",
    async () => {
      await using host = await open()
      const { engine, other, log, states } = host
      await host.declare("calls")
      const inbox = new Inbox(engine, "calls")
      await other.queueDelete("dead.calls")
      await publish(engine, "calls")
      await (await inbox.next()).deadLetter(deadLetterRecord({ reason: "rejected" }))
      await other.exchangeDelete("dead_letters")
      await publish(engine, "calls")
      await (await inbox.next()).deadLetter(deadLetterRecord({ reason: "rejected" }))
      expect((await engine.deadLetters("calls", {})).letters).toHaveLength(2)
      expect(states).toEqual(["ready"])
      expect(new Set(log.map(({ level, message }) => `${level}: ${message}`))).toEqual(
        new Set(["warn: calls was missing on RabbitMQ and has been declared again"]),
      )
    },
    TIMEOUT_MS,
  )

  test(
    "a dead letter that can't be stored is held, logged once, and stored when possible",
    async () => {
      await using host = await open()
      const { engine, other, log } = host
      await host.declare("calls")
      const inbox = new Inbox(engine, "calls")
      await other.exchangeDelete("dead_letters")
      await other.exchangeDeclare("dead_letters", "fanout", { durable: true, autoDelete: false })
      await other.queueDelete("dead.calls")
      await publish(engine, "calls")
      const stored = (await inbox.next()).deadLetter(deadLetterRecord({ reason: "rejected" }))
      await waitUntil(() => engine.report().heldDeliveries === 1, "the delivery to be held")
      expect(engine.status()).toMatchObject({
        state: "ready",
        warning: expect.stringContaining("inequivalent"),
      })
      await publish(engine, "calls", "next")
      expect(namesOf([await inbox.next()])).toEqual(["next"])
      await other.exchangeDelete("dead_letters")
      await stored
      expect(engine.report()).toMatchObject({ heldDeliveries: 0, reason: null })
      expect(engine.status()).toEqual({ state: "ready" })
      expect((await engine.deadLetters("calls", {})).letters).toHaveLength(1)
      const told = log.filter(({ message }) => message.startsWith("dead.calls c"))
      expect(told.map(({ level }) => level)).toEqual(["error", "info"])
      expect(told[0]?.fields["reason"]).toContain("PRECONDITION_FAILED")
    },
    TIMEOUT_MS,
  )
}

const publish = (engine: RabbitMqEngine, queue: string, name = "tested") =>
  engine.publish(newEvent({ routing_key: queue, name }))

/** Retries the next event of an inbox, and waits for it to return. */
async function retried(inbox: Inbox): Promise<void> {
  await (await inbox.next()).retry(DELAY_MS, failureRecord())
  const again = await inbox.next()
  expect(again.attempt).toBe(2)
  await again.ack()
}
