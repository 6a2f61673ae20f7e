import { expect, test } from "bun:test"
import { deadLettersOf } from "../../support/dead-letters-of.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import type { ForeignField, ForeignProperties } from "../../support/rabbitmq/foreign-fields.ts"
import { type OpenHost, onEveryQueueType } from "../../support/rabbitmq/on-every-queue-type.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

const BODY = Buffer.from('{"type":"voice","name":"tested","payload":{}}')

const text = (value: string): ForeignField => ({ type: "S", value })

const FAILURE = JSON.stringify(failureRecord({ attempts: 999, firstFailedAt: 1 }))

/** The headers of a retry of the queue `calls`, as a program has them that copies one. */
const OF_A_RETRY: readonly (readonly [string, ForeignField])[] = [
  ["x-retry-count", { type: "I", value: 1_000 }],
  ["x-retry-of", text("calls")],
  ["x-failure", text(FAILURE)],
  ["x-delivery-count", { type: "I", value: 1_000 }],
]

const withoutMark = OF_A_RETRY.filter(([name]) => name !== "x-retry-of")

const FORGED: readonly (readonly [string, string, ForeignProperties])[] = [
  ["published to the exchange with the headers of a retry", "events", { headers: OF_A_RETRY }],
  ["published to the exchange as this service's", "events", { headers: OF_A_RETRY, appId: "event-broker" }],
  ["moved to the queue from the dead letters, with their headers", "", { headers: withoutMark }],
  [
    "moved to the queue from the retries of another queue",
    "",
    { headers: [...withoutMark, ["x-retry-of", text("others")]] },
  ],
  ["published with a count below zero", "events", { headers: [["x-retry-count", { type: "I", value: -5 }]] }],
]

onEveryQueueType(cases)

function cases(open: OpenHost): void {
  test.each(FORGED)(
    "a message %s has no attempts behind it, at its first delivery and when it is delivered again",
    async (_, exchange, properties) => {
      await using host = await open()
      await host.declare("calls")
      const inbox = new Inbox(host.engine, "calls")
      using program = await host.foreignProgram()
      const body = Buffer.from(JSON.stringify(newEvent({ routing_key: "calls" })))
      program.publish(exchange, "calls", body, properties)
      await program.confirmed()
      const first = await inbox.next()
      expect(first).toMatchObject({ attempt: 1, failedAttempts: 0, lastFailure: null })
      await first.release()
      const again = await inbox.next()
      expect(again).toMatchObject({ attempt: 2, failedAttempts: 0, lastFailure: null })
      await again.retry(0, failureRecord({ attempts: 2 }))
      const retry = await inbox.next()
      expect(retry).toMatchObject({ attempt: 3, failedAttempts: 2, lastFailure: { attempts: 2 } })
      await retry.deadLetter(deadLetterRecord({ attempts: 3 }))
      await waitUntil(async () => (await host.depthOf("dead.calls")) === 1, "the dead letter")
      const taken = await program.take("dead.calls")
      expect([...taken.keys()]).not.toContain("x-retry-of")
    },
    TIMEOUT_MS,
  )

  test(
    "a retry that expires in its queue keeps its attempts; a message with the headers of one has none",
    async () => {
      await using host = await open()
      const { engine } = host
      await engine.declareQueues([queueDeclaration("calls", { ttlMs: 500 })])
      await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
      using program = await host.foreignProgram()
      program.publish("events", "calls", BODY, { headers: OF_A_RETRY, messageId: "forged" })
      await program.confirmed()
      await waitUntil(async () => (await host.depthOf("dead.calls")) === 1, "the message to expire")
      const [forged] = await deadLettersOf(engine, "calls", { ids: ["forged"] })
      expect(forged?.failure).toMatchObject({ reason: "expired", attempts: 0, error: null })

      const inbox = new Inbox(engine, "calls")
      await engine.publish(newEvent({ id: "retried", routing_key: "calls" }))
      const delivery = await inbox.next()
      const cancelled = inbox.subscription.cancel()
      await delivery.retry(0, failureRecord({ attempts: 1 }))
      await cancelled
      await waitUntil(async () => (await host.depthOf("dead.calls")) === 2, "the retry to expire")
      const [retried] = await deadLettersOf(engine, "calls", { ids: ["retried"] })
      expect(retried?.failure).toMatchObject({
        reason: "expired",
        attempts: 1,
        firstFailedAt: failureRecord().firstFailedAt,
      })
    },
    TIMEOUT_MS,
  )
}
