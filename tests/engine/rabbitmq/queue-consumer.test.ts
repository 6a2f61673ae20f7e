import { afterAll, beforeAll, expect, test } from "bun:test"
import { AMQPClient } from "@cloudamqp/amqp-client"
import { FirstSights } from "../../../src/engine/rabbitmq/first-sights.ts"
import { QueueConsumer } from "../../../src/engine/rabbitmq/queue-consumer.ts"
import { TriedAttempts } from "../../../src/engine/rabbitmq/tried-attempts.ts"
import { installations } from "../../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../../support/rabbitmq/node.ts"
import { waitUntil } from "../../support/wait-until.ts"

const START_TIMEOUT_MS = 60_000

let node: RabbitMqNode

beforeAll(async () => {
  const [installation] = installations()
  if (installation === undefined) throw new Error("there is no RabbitMQ to test with")
  node = await RabbitMqNode.start(installation)
}, START_TIMEOUT_MS)

afterAll(() => node[Symbol.asyncDispose]())

test("a consumer whose start fails midway starts again on the same connection", async () => {
  const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${node.port}/`)
  await client.connect()
  const channel = await client.channel()
  await channel.queueDeclare("calls", { durable: true })
  await channel.basicPublish("", "calls", "{}")
  let starts = 0
  const delivered: string[] = []
  const consumer = new QueueConsumer(
    {
      queue: "calls",
      consume: { prefetch: 1, onDelivery: ({ body }) => delivered.push(body) },
      republish: async () => "stored",
      redeclare: async () => {},
      isOrdered: async () => {
        if (++starts === 1) throw new Error("the broker did not say")
        return false
      },
      isSingle: () => false,
      markOrdered: async () => {},
      isForgetful: () => false,
      renewIdleMs: 1_000,
      countsRedeliveries: false,
      keyed: new Set(),
      tried: new TriedAttempts(),
      sights: new FirstSights(),
      report: () => {},
    },
    () => {},
  )
  await consumer.start(client)
  await waitUntil(() => delivered.length === 1, "the delivery")
  expect(consumer.isConsuming).toBe(true)
  expect(starts).toBe(2)
  await client.close()
})
