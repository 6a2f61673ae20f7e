import { afterAll, beforeAll, expect, test } from "bun:test"
import { type AMQPChannel, AMQPClient } from "@cloudamqp/amqp-client"
import type { Delivery } from "../../../src/engine/engine.ts"
import { FirstSights } from "../../../src/engine/rabbitmq/consuming/first-sights.ts"
import { QueueConsumer } from "../../../src/engine/rabbitmq/consuming/queue-consumer.ts"
import type { QueueConsumerOptions } from "../../../src/engine/rabbitmq/consuming/queue-consumer-options.ts"
import { TriedAttempts } from "../../../src/engine/rabbitmq/consuming/tried-attempts.ts"
import { UnsettledDeliveries } from "../../../src/engine/rabbitmq/consuming/unsettled-deliveries.ts"
import { recordNothing } from "../../../src/engine/rabbitmq/history/rabbitmq-fact-log.ts"
import { propertiesOf } from "../../../src/engine/rabbitmq/wire/encode.ts"
import type { Event } from "../../../src/event/envelope.ts"
import type { HistoryFact } from "../../../src/event/history-fact.ts"
import { newEvent } from "../../support/new-event.ts"
import { installations } from "../../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../../support/rabbitmq/node.ts"
import { CONSUMER_TIMEOUT_MS } from "../../support/rabbitmq/virtual-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const START_TIMEOUT_MS = 60_000

let node: RabbitMqNode

beforeAll(async () => {
  const [installation] = installations()
  if (installation === undefined) throw new Error("there is no RabbitMQ to test with")
  node = await RabbitMqNode.start(installation)
}, START_TIMEOUT_MS)

afterAll(() => node[Symbol.asyncDispose]())

/** Opens a connection, and stores messages on a new queue of this name. */
async function connectionWith(queue: string, count = 1) {
  const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${node.port}/`)
  await client.connect()
  const channel = await client.channel()
  await channel.queueDeclare(queue, { durable: true })
  for (let i = 0; i < count; i++) await channel.basicPublish("", queue, `{"n":${i}}`)
  return { client, channel }
}

function consumerOf(queue: string, overrides: Partial<QueueConsumerOptions> = {}) {
  const delivered: string[] = []
  const consumer = new QueueConsumer(
    {
      queue,
      consume: { prefetch: 1, onDelivery: ({ body }) => delivered.push(body) },
      republish: async () => "stored",
      record: recordNothing,
      recordsFacts: false,
      redeclare: async () => {},
      isOrdered: async () => false,
      isSingle: () => false,
      markOrdered: async () => {},
      isForgetful: () => false,
      renewIdleMs: 1_000,
      countsRedeliveries: false,
      keyed: new Set(),
      tried: new TriedAttempts(),
      consumerTimeoutMs: CONSUMER_TIMEOUT_MS,
      sights: new FirstSights(),
      unsettled: new UnsettledDeliveries(),
      onUnusable: () => {},
      onConnectionEnded: () => {},
      onUsable: () => {},
      onForgotten: () => {},
      report: () => {},
      ...overrides,
    },
    () => {},
    () => {},
  )
  return { consumer, delivered }
}

test("a consumer whose start fails midway starts again on the same connection", async () => {
  const { client } = await connectionWith("calls")
  let starts = 0
  const { consumer, delivered } = consumerOf("calls", {
    isOrdered: async () => {
      if (++starts === 1) throw new Error("the broker did not say")
      return false
    },
  })
  await consumer.start(client)
  await waitUntil(() => delivered.length === 1, "the delivery")
  expect(consumer.isConsuming).toBe(true)
  expect(starts).toBe(2)
  await client.close()
})

test("a consumer that is cancelled while it starts takes no event, and its cancel waits for the start", async () => {
  const { client, channel } = await connectionWith("other-calls")
  const opened = Promise.withResolvers<void>()
  const open = client.channel.bind(client)
  client.channel = async () => {
    await opened.promise
    return open()
  }
  const { consumer, delivered } = consumerOf("other-calls")
  void consumer.start(client)
  let hasEnded = false
  const cancelled = consumer.cancel().then(() => {
    hasEnded = true
  })
  await Bun.sleep(100)
  expect(hasEnded).toBe(false)
  opened.resolve()
  await cancelled
  expect(delivered).toEqual([])
  expect(await channel.basicGet("other-calls")).toMatchObject({ redelivered: false })
  await client.close()
})

/** The attempt of an event that was handled. */
const HANDLED: HistoryFact = {
  fact: "attempt",
  at: 0,
  id: "e-1",
  queue: "any",
  attempt: 1,
  duration_ms: 1,
  outcome: "handled",
  module: "m.ts",
  handler: "*",
  generation: "1",
}

/** A consumer whose facts are stored when the test says so, and which keeps its deliveries. */
function recordingConsumer(queue: string, recordsFacts: boolean) {
  const stored = Promise.withResolvers<void>()
  const taken: Delivery[] = []
  const returned: Delivery[] = []
  const { consumer } = consumerOf(queue, {
    recordsFacts,
    record: () => stored.promise,
    consume: {
      prefetch: PREFETCH,
      onDelivery: (delivery) => taken.push(delivery),
      onReturned: (delivery) => returned.push(delivery),
    },
  })
  return { consumer, taken, returned, stored }
}

const PREFETCH = 10

/** Messages of the queue that no consumer has. */
const readyOf = async (channel: AMQPChannel, queue: string): Promise<number> =>
  (await channel.queueDeclare(queue, { passive: true })).messageCount

test("an event whose ack waits for its fact keeps no other waiting, and no more than the prefetch are undecided", async () => {
  const { client, channel } = await connectionWith("recorded-calls", 4 * PREFETCH)
  const { consumer, taken, stored } = recordingConsumer("recorded-calls", true)
  await consumer.start(client)
  await waitUntil(
    async () => (await readyOf(channel, "recorded-calls")) === 2 * PREFETCH,
    "a second prefetch on its way",
  )
  expect(taken).toHaveLength(PREFETCH)
  for (const delivery of taken.slice(0, 3)) void delivery.ack(HANDLED)
  expect(taken).toHaveLength(PREFETCH + 3)
  for (const delivery of taken.slice(3)) void delivery.ack(HANDLED)
  for (const delivery of taken.slice(3)) void delivery.ack(HANDLED)
  // Everything that RabbitMQ sent is decided, and none is acked before its fact is stored.
  expect(taken).toHaveLength(2 * PREFETCH)
  expect(await readyOf(channel, "recorded-calls")).toBe(2 * PREFETCH)
  stored.resolve()
  await waitUntil(() => taken.length >= 3 * PREFETCH, "the next ones")
  await client.close()
})

test("events that a recording consumer has not passed on are back when its cancel resolves", async () => {
  const { client, channel } = await connectionWith("cancelled-calls", 2 * PREFETCH)
  const { consumer, taken, returned, stored } = recordingConsumer("cancelled-calls", true)
  await consumer.start(client)
  await waitUntil(async () => (await readyOf(channel, "cancelled-calls")) === 0, "all to be on their way")
  const cancelled = consumer.cancel()
  expect(returned).toHaveLength(PREFETCH)
  stored.resolve()
  for (const delivery of taken) void delivery.ack(HANDLED)
  await cancelled
  expect(taken).toHaveLength(PREFETCH)
  await waitUntil(async () => (await readyOf(channel, "cancelled-calls")) === PREFETCH, "the rest to be back")
  await client.close()
})

test("events that wait to be passed on come by priority, and those of one ordering key in order", async () => {
  const { client, channel } = await connectionWith("urgent-calls", PREFETCH)
  const publish = (name: string, priority: Event["priority"], ordering_key?: string) => {
    const event = newEvent({ name, priority, ...(ordering_key !== undefined && { ordering_key }) })
    return channel.basicPublish("", "urgent-calls", JSON.stringify(event), propertiesOf(event, {}))
  }
  await publish("low", "low")
  await publish("keyed-low", "low", "k")
  await publish("other", "medium")
  await publish("keyed-critical", "critical", "k")
  await publish("critical", "critical")
  const { consumer, taken } = recordingConsumer("urgent-calls", true)
  await consumer.start(client)
  await waitUntil(async () => (await readyOf(channel, "urgent-calls")) === 0, "all to be on their way")
  for (const delivery of taken.splice(0)) void delivery.ack(HANDLED)
  expect(taken.map(({ body }) => JSON.parse(body).name)).toEqual([
    "critical",
    "keyed-low",
    "other",
    "keyed-critical",
    "low",
  ])
  await client.close()
})

test("a consumer that records nothing takes its prefetch and no more", async () => {
  const { client, channel } = await connectionWith("plain-calls", 2 * PREFETCH)
  const { consumer, taken } = recordingConsumer("plain-calls", false)
  await consumer.start(client)
  await waitUntil(() => taken.length === PREFETCH, "the prefetch")
  expect(await readyOf(channel, "plain-calls")).toBe(PREFETCH)
  await client.close()
})
