import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { isReady } from "../support/counting-service.ts"
import { EventSource } from "../support/event-source.ts"
import { problemOf } from "../support/problem-of.ts"
import { atRest, held } from "../support/rabbitmq/held.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000
const PATH = "/api/v1/events/stream"

for (const installation of installations()) {
  describe(`the live stream on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
    }, TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    const environment = () => ({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port) })

    test(
      "shows what every instance publishes, through one queue for all clients, which is deleted with the last of them",
      async () => {
        await using folder = new ServiceFolder()
        const [first, second] = [await folder.start(environment()), await folder.start(environment())]
        for (const service of [first, second])
          await waitUntil(() => isReady(service), "the service to be ready")
        const before = await atRest(() => held(node))
        const sources = [await EventSource.open(first.url + PATH), await EventSource.open(first.url + PATH)]
        const [connections = 0, channels = 0, consumers = 0] = before
        expect(await atRest(() => held(node))).toEqual([connections, channels + 1, consumers + 1])
        await second.publish({ name: "from_the_other" })
        for (const source of sources) await source.saw("from_the_other")
        for (const source of sources) source[Symbol.dispose]()
        await waitUntil(async () => Bun.deepEquals(await held(node), before), "the queue to be gone")
      },
      TIMEOUT_MS,
    )

    test(
      "continues after RabbitMQ was unavailable, and reports that events may have been missed",
      async () => {
        await using folder = new ServiceFolder()
        const service = await folder.start(environment())
        await waitUntil(() => isReady(service), "the service to be ready")
        using source = await EventSource.open(service.url + PATH)
        await service.publish({ name: "before" })
        await source.saw("before")
        await node.kill()
        await waitUntil(async () => !(await isReady(service)), "the service to notice")
        await node.start()
        await waitUntil(() => isReady(service), "the service to be ready again", TIMEOUT_MS / 2)
        await waitUntil(async () => {
          await service.publish({ name: "after" })
          return source.events.some(({ name }) => name === "after")
        }, "the stream to go on")
        expect(source.messages.filter(({ event }) => event === "missed").map(({ data }) => data)).toEqual([
          { count: null },
        ])
      },
      TIMEOUT_MS,
    )
  })
}

test("the live stream is refused if RabbitMQ has never been reachable", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: "1" })
  await problemOf(await fetch(service.url + PATH), "engine-unavailable", 503)
})
