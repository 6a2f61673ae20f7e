import { expect, test } from "bun:test"
import type { QueueType } from "../../../src/engine/rabbitmq/connection/capabilities.ts"
import type { RabbitMqEngine } from "../../../src/engine/rabbitmq/rabbitmq-engine.ts"
import { failureRecord } from "../../support/failure-record.ts"
import { Inbox, namesOf } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { type OpenHost, onEveryQueueType } from "../../support/rabbitmq/on-every-queue-type.ts"
import type { Logged, SharedHost } from "../../support/rabbitmq/shared-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

/** A delay with a tier of its own: the retries would wait in `retry.calls.100`. */
const DELAY_MS = 100

const COUNT = 20

onEveryQueueType(cases)

function cases(open: OpenHost, queueType: QueueType): void {
  /** Opens a second engine, which declares nothing. */
  async function passiveEngine(host: SharedHost) {
    const log: Logged[] = []
    const states: string[] = []
    const engine = host.newEngine({
      topology: { exchange: "events", exchangeType: "topic", queueType, mode: "passive" },
      report: (level, message, fields) => log.push({ level, message, fields }),
      onStatusChange: ({ state }) => states.push(state),
    })
    await engine.declareQueues([queueDeclaration("calls")])
    await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
    return { engine, log, states }
  }

  test(
    "with TOPOLOGY=passive and without a tier, a retry becomes a dead letter with the reason, and other events are handled",
    async () => {
      await using host = await open()
      await host.declare("calls")
      const { engine, log } = await passiveEngine(host)
      await refusesRetries(engine, log, "NOT_FOUND - no queue 'retry.calls.100'")
      await engine.close()
    },
    TIMEOUT_MS,
  )

  test(
    "without the permission to configure retry.*, a retry becomes a dead letter with the reason, and other events are handled",
    async () => {
      await using host = await open()
      const { engine, log, states } = host
      await host.permit({ configure: "^(?!retry).*" })
      await host.declare("calls")
      await refusesRetries(engine, log, "ACCESS_REFUSED - ")
      expect(states).toEqual(["ready"])
      await host.permit({})
    },
    TIMEOUT_MS,
  )

  test(
    "a tier that another program replaces is noticed: retries become dead letters with the reason until the tier is back",
    async () => {
      await using host = await open()
      await host.declare("calls")
      const { engine, other, log } = host
      const inbox = new Inbox(engine, "calls")
      await publish(engine, "calls", "before")
      await (await inbox.next()).retry(DELAY_MS, failureRecord())
      expect(await inbox.next()).toMatchObject({ attempt: 2 })
      await other.queueDelete("retry.calls.100")
      await host.declareOtherwise("retry.calls.100")
      await waitUntil(async () => {
        await publish(engine, "calls")
        await (await inbox.next()).retry(DELAY_MS, failureRecord())
        return (await engine.deadLetters("calls", {})).letters.length > 0
      }, "the replaced tier to be noticed")
      const { letters } = await engine.deadLetters("calls", {})
      expect(letters[0]?.failure).toMatchObject({ reason: "retry-refused", attempts: 1 })
      expect(engine.status()).toMatchObject({ warning: expect.stringContaining("PRECONDITION_FAILED") })

      await other.queueDelete("retry.calls.100")
      await publish(engine, "calls", "after")
      await (await inbox.next()).retry(DELAY_MS, failureRecord())
      expect(namesOf([await inbox.next()])).toEqual(["after"])
      expect(engine.status()).toEqual({ state: "ready" })
      const told = log.filter(({ message }) => message.startsWith("retry.calls.100 can"))
      expect(told.map(({ level }) => level)).toEqual(["error", "info"])
    },
    TIMEOUT_MS,
  )
}

const publish = (engine: RabbitMqEngine, queue: string, name = "tested") =>
  engine.publish(newEvent({ routing_key: queue, name }))

/** Retries many events while others are published, and checks the result of each. */
async function refusesRetries(engine: RabbitMqEngine, log: readonly Logged[], words: string) {
  const inbox = new Inbox(engine, "calls")
  for (let i = 0; i < COUNT; i++) await publish(engine, "calls")
  const deliveries = await inbox.take(COUNT)
  const settled = deliveries.map((delivery) => delivery.retry(DELAY_MS, failureRecord()))
  const published = Array.from({ length: COUNT }, () => publish(engine, "calls", "other"))
  await Promise.all([...settled, ...published])
  expect(namesOf(await inbox.take(COUNT))).toEqual(new Array(COUNT).fill("other"))
  const { letters } = await engine.deadLetters("calls", {})
  expect(letters).toHaveLength(COUNT)
  expect(letters[0]?.failure).toMatchObject({ reason: "retry-refused", attempts: 1 })
  expect(letters[0]?.failure.error?.message).toContain(words)
  expect(engine.status()).toMatchObject({ state: "ready", warning: expect.stringContaining(words) })
  expect(engine.report()).toMatchObject({ reason: expect.stringContaining(words), heldDeliveries: 0 })
  const told = log.filter(({ message }) => message.startsWith("retry.calls.100 can't be used"))
  expect(told.map(({ level }) => level)).toEqual(["error"])
  expect(told[0]?.fields["reason"]).toContain(words)
}
