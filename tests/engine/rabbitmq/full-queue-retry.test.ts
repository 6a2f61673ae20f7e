import { expect, test } from "bun:test"
import type { RabbitMqEngine } from "../../../src/engine/rabbitmq/rabbitmq-engine.ts"
import { failureRecord } from "../../support/failure-record.ts"
import { Inbox, namesOf } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { SharedHost } from "../../support/rabbitmq/shared-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

/**
 * How long RabbitMQ waits before it offers a retry again to a queue that was full, in milliseconds.
 * RabbitMQ's default: 180,000.
 */
const OFFERED_AGAIN_MS = 500

/** A delay with a tier of its own: the retry waits in `retry.calls.1000`. */
const DELAY_MS = 1_000
const TIER = `retry.calls.${DELAY_MS}`

/** RabbitMQ offers 32 of a tier at a time. */
const MANY = 40

onEveryBroker(
  (node) => {
    test.each(["quorum", "classic"] as const)(
      "a retry that comes due on a full %s queue waits, and is delivered when the queue has room",
      async (queueType) => {
        await using host = await SharedHost.open(node(), queueType)
        const { engine } = host
        await engine.declareQueues([queueDeclaration("calls", { maxLength: 1 })])
        await publish(engine, "calls", "first")
        const inbox = new Inbox(engine, "calls", 1)
        const first = await inbox.next()
        await publish(engine, "calls", "second")
        await first.retry(DELAY_MS, failureRecord())
        const second = await inbox.next()
        await publish(engine, "calls", "third")
        await waitUntil(async () => (await host.depthOf(TIER)) === 0, "the retry to come due")
        await second.ack()
        await (await inbox.next()).ack()
        const again = await inbox.next()
        expect(namesOf([again])).toEqual(["first"])
        expect(again.attempt).toBe(2)
        await again.ack()
      },
      TIMEOUT_MS,
    )

    test(
      "retries that wait for a full queue keep none of another queue with the same delay waiting",
      async () => {
        await using host = await SharedHost.open(node(), "quorum")
        const { engine } = host
        await engine.declareQueues([queueDeclaration("calls"), queueDeclaration("others")])
        const waiting = new Inbox(engine, "calls", MANY)
        for (let n = 0; n < MANY; n++) await publish(engine, "calls", `n${n}`)
        const deliveries = await waiting.take(MANY)
        const cancelled = waiting.subscription.cancel()
        await host.limit("calls", 1)
        await fill(engine, "calls")
        await Promise.all([
          ...deliveries.map((delivery) => delivery.retry(DELAY_MS, failureRecord())),
          cancelled,
        ])
        await waitUntil(async () => (await host.depthOf(TIER)) === 0, "the retries to come due")

        const inbox = new Inbox(engine, "others")
        await publish(engine, "others", "other")
        await (await inbox.next()).retry(DELAY_MS, failureRecord())
        const again = await inbox.next()
        expect(again.attempt).toBe(2)
        await again.ack()
      },
      TIMEOUT_MS,
    )
  },
  async (node) => {
    const setting = `dead_letter_worker_publisher_confirm_timeout, ${OFFERED_AGAIN_MS}`
    await node.control("eval", `application:set_env(rabbit, ${setting}).`)
  },
)

const publish = (engine: RabbitMqEngine, queue: string, name: string) =>
  engine.publish(newEvent({ routing_key: queue, name }))

/** Publishes until the queue refuses. */
async function fill(engine: RabbitMqEngine, queue: string): Promise<void> {
  try {
    while (true) await publish(engine, queue, "filling")
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/queue-full|engine-unavailable/) })
  }
}
