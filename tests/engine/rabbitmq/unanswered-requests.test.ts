import { expect, test } from "bun:test"
import { urlOf } from "../../../src/engine/rabbitmq/connection/broker-address.ts"
import { BrokerClient } from "../../../src/engine/rabbitmq/connection/broker-client.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { StallingProxy } from "../../support/rabbitmq/stalling-proxy.ts"
import { accessTo } from "../../support/rabbitmq/virtual-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const REPLY_TIMEOUT_MS = 300
const NO_REPLY = `RabbitMQ did not answer within ${REPLY_TIMEOUT_MS} ms`
const MANY = 100

onEveryBroker((node) => {
  async function connect(proxy: StallingProxy): Promise<BrokerClient> {
    const address = { host: "127.0.0.1", port: proxy.port }
    const client = new BrokerClient(urlOf(accessTo(node(), "/"), address, "test"), REPLY_TIMEOUT_MS)
    await client.connect()
    return client
  }

  const refusalOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "answered",
      (error: unknown) => String(error),
    )

  test("a request that RabbitMQ does not answer is given up, and its channel is closed once RabbitMQ answers", async () => {
    using proxy = await StallingProxy.start(node().port)
    const client = await connect(proxy)
    const [channel, other] = [await client.channel(), await client.channel()]
    proxy.stall()
    expect(await refusalOf(channel.queueDeclare("unanswered", { durable: true }))).toContain(NO_REPLY)
    expect(channel.closed).toBe(true)
    expect(await refusalOf(client.channel())).toContain(NO_REPLY)
    proxy.resume()
    await other.queueDelete("unanswered")
    expect(client.closed).toBe(false)
    const free = async () => {
      const next = await client.channel()
      await next.close()
      return next.id
    }
    await waitUntil(async () => (await free()) === channel.id, "the channel's number to be free")
    // Number 0 is the connection's own.
    const open = () => client.channels.filter((each, id) => id > 0 && each !== undefined).length
    await waitUntil(() => open() === 1, "the channel that was opened too late to be closed, too")
    await client.close()
  })

  test("a connection on which many channels are not answered is ended", async () => {
    using proxy = await StallingProxy.start(node().port)
    const client = await connect(proxy)
    const ended = Promise.withResolvers<void>()
    client.ondisconnect = () => ended.resolve()
    const channels = await Promise.all(Array.from({ length: MANY / 2 }, () => client.channel()))
    proxy.stall()
    const opening = Array.from({ length: MANY / 2 }, () => refusalOf(client.channel()))
    const refusals = await Promise.all([
      ...channels.map((channel) => refusalOf(channel.basicQos(1))),
      ...opening,
    ])
    expect(refusals).toHaveLength(MANY)
    await ended.promise
  })
})
