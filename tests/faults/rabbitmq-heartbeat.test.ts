import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { isReady } from "../support/counting-service.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TEST_TIMEOUT_MS = 120_000

/** RabbitMQ checks for deliveries that are unsettled for too long at every tick of a channel. */
const BROKER_TIMEOUT_MS = 15_000
const TICK_MS = 1_000

/** How long before the end of that time heartbeats have no effect any more. */
const MARGIN_MS = 10_000

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root} with a consumer_timeout of ${BROKER_TIMEOUT_MS} ms`, () => {
    let node: RabbitMqNode

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
      const set = (name: string, value: number) =>
        node.control("eval", `application:set_env(rabbit, ${name}, ${value}).`)
      await set("consumer_timeout", BROKER_TIMEOUT_MS)
      await set("channel_tick_interval", TICK_MS)
    }, TEST_TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    test.each([
      ["without an ordering key", {}],
      ["with an ordering key", { ordering_key: "k" }],
    ])(
      "an event %s whose heartbeats never end is timed out before RabbitMQ takes it back, and tried again",
      async (_, order) => {
        await using host = await VirtualHost.create(node)
        await using folder = new ServiceFolder()
        folder.write(
          "handlers/endless.ts",
          `export default {
            queue: "custom_events", timeout: 1_000, retry: { attempts: 2, backoff: { initial: 10 } },
            on: {
              async endless(event, ctx) {
                if (ctx.attempt > 1) return ${folder.journal('ctx.lastError.message + " " + event.name')}
                const begunAt = performance.now()
                for (; !ctx.signal.aborted; ctx.heartbeat()) await Bun.sleep(50)
                ${folder.journal("String(performance.now() - begunAt)")}
                throw ctx.signal.reason
              },
            },
          }`,
        )
        const service = await folder.start({
          RABBITMQ_HOST: "127.0.0.1",
          RABBITMQ_PORT: String(node.port),
          RABBITMQ_VHOST: host.name,
          RABBITMQ_CONSUMER_TIMEOUT: String(BROKER_TIMEOUT_MS),
        })
        await waitUntil(() => isReady(service), "the service to be ready")
        await service.publish({ name: "endless", ...order })
        await waitUntil(() => folder.journalLines().length === 2, "the second attempt", TEST_TIMEOUT_MS / 2)
        const [ranForMs, second] = folder.journalLines()
        expect(Number(ranForMs)).toBeGreaterThan(BROKER_TIMEOUT_MS - MARGIN_MS - 1_000)
        expect(second).toStartWith("RabbitMQ's consumer_timeout is nearly over")
        const closed = service.log.filter(({ msg }) => msg === "RabbitMQ closed the channel of a consumer")
        expect(closed).toEqual([])
      },
      TEST_TIMEOUT_MS,
    )
  })
}
