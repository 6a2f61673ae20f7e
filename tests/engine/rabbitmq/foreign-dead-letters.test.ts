import { afterAll, beforeAll, expect, test } from "bun:test"
import { AMQPClient } from "@cloudamqp/amqp-client"
import { urlOf } from "../../../src/engine/rabbitmq/connection/broker-address.ts"
import type { QueueType } from "../../../src/engine/rabbitmq/connection/capabilities.ts"
import { DeadLetters } from "../../../src/engine/rabbitmq/dead-letters/dead-letters.ts"
import { deadQueueOf } from "../../../src/engine/rabbitmq/topology/topology.ts"
import { deadLettersOf } from "../../support/dead-letters-of.ts"
import { Inbox } from "../../support/inbox.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { installations } from "../../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../../support/rabbitmq/node.ts"
import { StallingProxy } from "../../support/rabbitmq/stalling-proxy.ts"
import { accessTo, newEngine, VirtualHost } from "../../support/rabbitmq/virtual-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const START_TIMEOUT_MS = 60_000

const [installation = { root: "/" }] = installations()
let node: RabbitMqNode

beforeAll(async () => {
  node = await RabbitMqNode.start(installation)
}, START_TIMEOUT_MS)

afterAll(() => node[Symbol.asyncDispose]())

async function publishInto(
  queue: string,
  vhost: string,
  body: string | Uint8Array,
  header?: string,
): Promise<void> {
  const access = accessTo(node, vhost)
  const [address = { host: "127.0.0.1", port: node.port }] = access.addresses
  const client = new AMQPClient(urlOf(access, address, "another program"))
  await client.connect()
  const channel = await client.channel()
  await channel.confirmSelect()
  await channel.basicPublish(
    "",
    queue,
    body,
    header === undefined ? {} : { headers: { "x-failure": header } },
  )
  await client.close()
}

async function openEngine(vhost: string, queueType: QueueType) {
  const engine = newEngine(accessTo(node, vhost), queueType)
  await engine.declareQueues([queueDeclaration("calls")])
  await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
  return engine
}

test.each(["quorum", "classic"] as const)(
  "messages that another program put among the dead letters of a %s queue can be listed, redriven and purged",
  async (queueType) => {
    await using host = await VirtualHost.create(node)
    const engine = await openEngine(host.name, queueType)
    const dead = deadQueueOf("calls")
    await publishInto(dead, host.name, "not JSON")
    await publishInto(dead, host.name, '{"id":7}', '{"reason":"bored"}')
    const unknown = {
      reason: "rejected",
      attempts: 0,
      firstFailedAt: 0,
      lastFailedAt: 0,
      error: null,
      module: null,
    } as const
    expect(await deadLettersOf(engine, "calls", {})).toEqual([
      { body: "not JSON", failure: unknown },
      { body: '{"id":7}', failure: unknown },
    ])
    expect(await deadLettersOf(engine, "calls", { ids: ["7", ""] })).toEqual([])
    expect(await engine.redrive("calls", { limit: 1 })).toEqual({ redriven: 1, remaining: 1 })
    expect(await engine.purgeDeadLetters("calls", {})).toEqual({ purged: 1, remaining: 0 })
    expect(await new Inbox(engine, "calls").next()).toMatchObject({ body: "not JSON", lastFailure: null })
    await engine.close()
  },
)

test("a dead letter that is not UTF-8 keeps its bytes, and a text with a replacement character is a text", async () => {
  await using host = await VirtualHost.create(node)
  const engine = await openEngine(host.name, "quorum")
  const bytes = new Uint8Array([0x7b, 0x7d, 0xff])
  await publishInto(deadQueueOf("calls"), host.name, bytes)
  await publishInto(deadQueueOf("calls"), host.name, '{"text":"\uFFFD"}')
  const [binary, text] = await deadLettersOf(engine, "calls", {})
  expect(Array.from(binary?.bytes ?? [])).toEqual(Array.from(bytes))
  expect(text).toMatchObject({ body: '{"text":"\uFFFD"}' })
  expect(text).not.toHaveProperty("bytes")
  await engine.close()
})

test("a missing dead-letter queue is declared again, and is empty", async () => {
  await using host = await VirtualHost.create(node)
  const engine = await openEngine(host.name, "quorum")
  const deadQueue = `queues/${host.name}/${deadQueueOf("calls")}`
  await node.manage("DELETE", deadQueue)
  expect(await deadLettersOf(engine, "calls", {})).toEqual([])
  expect(await node.manage("GET", deadQueue)).toMatchObject({ name: deadQueueOf("calls") })
  expect(engine.status()).toEqual({ state: "ready" })
  await engine.close()
})

test("a dead-letter queue that is deleted between two pages is declared again, and the cursor is refused", async () => {
  await using host = await VirtualHost.create(node)
  const engine = await openEngine(host.name, "quorum")
  for (let i = 0; i < 3; i++) await publishInto(deadQueueOf("calls"), host.name, `${i}`)
  const { cursor } = await engine.deadLetters("calls", { limit: 1 })
  const deadQueue = `queues/${host.name}/${deadQueueOf("calls")}`
  await node.manage("DELETE", deadQueue)
  await expect(engine.deadLetters("calls", {}, cursor ?? "")).rejects.toMatchObject({
    name: "InvalidCursorError",
  })
  expect(await node.manage("GET", deadQueue)).toMatchObject({ name: deadQueueOf("calls") })
  expect(await deadLettersOf(engine, "calls", {})).toEqual([])
  await engine.close()
})

test("two instances that list dead letters concurrently lose none", async () => {
  await using host = await VirtualHost.create(node)
  const engines = [await openEngine(host.name, "quorum"), await openEngine(host.name, "quorum")]
  for (let i = 0; i < 20; i++) await publishInto(deadQueueOf("calls"), host.name, `${i}`)
  const [one, other] = engines
  await Promise.all(
    Array.from({ length: 5 }, () => engines.map((each) => deadLettersOf(each, "calls", {}))).flat(),
  )
  expect(await one?.redrive("calls", { limit: 5 })).toEqual({ redriven: 5, remaining: 15 })
  expect(await other?.purgeDeadLetters("calls", {})).toEqual({ purged: 15, remaining: 0 })
  await Promise.all(engines.map((each) => each.close()))
})

test("a queue whose leader is too busy to count its dead letters is not mistaken for an empty one", async () => {
  await using host = await VirtualHost.create(node)
  const engine = await openEngine(host.name, "quorum")
  await publishInto(deadQueueOf("calls"), host.name, "one")
  const leader = `'${host.name}_${deadQueueOf("calls")}'`
  // Longer than the 250 ms after which RabbitMQ answers 0 in its place.
  const busy = `sys:suspend(${leader}), spawn(fun() -> timer:sleep(3000), sys:resume(${leader}) end).`
  await node.control("eval", busy)
  const letters = await deadLettersOf(engine, "calls", {})
  expect(letters.map(({ body }) => body)).toEqual(["one"])
  await engine.close()
})

test("a listing that makes no progress fails with that reason, and the next one is served", async () => {
  await using host = await VirtualHost.create(node)
  const engine = await openEngine(host.name, "quorum")
  await publishInto(deadQueueOf("calls"), host.name, "one")
  using proxy = await StallingProxy.start(node.port)
  const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${proxy.port}/${host.name}`)
  await client.connect()
  const letters = new DeadLetters({
    client: () => client,
    store: async () => {},
    facts: null,
    stallTimeoutMs: 500,
  })
  proxy.stall()
  await expect(letters.look("calls", {})).rejects.toMatchObject({
    name: "EngineUnavailableError",
    message: "RabbitMQ made no progress for 500 ms",
  })
  proxy.resume()
  expect((await letters.look("calls", {})).letters.map(({ body }) => body)).toEqual(["one"])
  await client.close()
  await engine.close()
})
