import { afterAll, beforeAll, expect, test } from "bun:test"
import { AMQPClient } from "@cloudamqp/amqp-client"
import { FirstSights } from "../../../src/engine/rabbitmq/consuming/first-sights.ts"
import {
  QueueConsumer,
  type QueueConsumerOptions,
} from "../../../src/engine/rabbitmq/consuming/queue-consumer.ts"
import { TriedAttempts } from "../../../src/engine/rabbitmq/consuming/tried-attempts.ts"
import { UnsettledDeliveries } from "../../../src/engine/rabbitmq/consuming/unsettled-deliveries.ts"
import { recordNothing } from "../../../src/engine/rabbitmq/history/rabbitmq-fact-log.ts"
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

/** Opens a connection, and stores one message on a new queue of this name. */
async function connectionWith(queue: string) {
  const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${node.port}/`)
  await client.connect()
  const channel = await client.channel()
  await channel.queueDeclare(queue, { durable: true })
  await channel.basicPublish("", queue, "{}")
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
      onUsable: () => {},
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
