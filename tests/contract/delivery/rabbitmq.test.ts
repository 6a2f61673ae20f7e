import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { QueueType } from "../../../src/engine/rabbitmq/connection/capabilities.ts"
import { isReady } from "../../support/counting-service.ts"
import { installations } from "../../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../../support/rabbitmq/node.ts"
import { VirtualHost } from "../../support/rabbitmq/virtual-host.ts"
import { ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import { describeDelivery, describeQueueDelivery, type EngineForService } from "./delivery-contract.ts"
import { doneByKey, note, upTo } from "./journal.ts"
import { publishInTurns } from "./ordering-cases.ts"

const START_TIMEOUT_MS = 60_000
const CASE_TIMEOUT_MS = 60_000

const BROKERS = installations()

for (const installation of BROKERS) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
    }, START_TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    const newEngine = async (queueType: QueueType): Promise<EngineForService> => {
      const host = await VirtualHost.create(node)
      const variables = {
        RABBITMQ_HOST: "127.0.0.1",
        RABBITMQ_PORT: String(node.port),
        RABBITMQ_VHOST: host.name,
        QUEUE_TYPE: queueType,
      }
      return { variables, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
    }

    test(
      "a loop over two instances ends with one dead letter that shows the chain",
      async () => {
        await using engine = await newEngine("quorum")
        await using folder = new ServiceFolder()
        const writeModule = (handlers: string, queue: string, type: string, name: string): void =>
          folder.write(
            `${handlers}/looping.ts`,
            `export default { queue: "${queue}", on: { "*": async (event, ctx) => {
              ${folder.journal('event.name + " " + process.pid')}
              await ctx.publish({ type: "${type}", name: "${name}", payload: {} })
            } } }`,
          )
        writeModule("pings", "custom_events", "user", "pong")
        writeModule("pongs", "user_events", "custom", "ping")
        const environment = (name: string) => ({
          ...engine.variables,
          DATA_DIR: `data-${name}`,
          HANDLERS_DIR: name,
          MAX_HOPS: "5",
        })
        const first = await folder.start(environment("pings"))
        const second = await folder.start(environment("pongs"))
        await waitUntil(async () => (await isReady(first)) && (await isReady(second)), "both to be ready")
        await first.publish({ name: "ping" })
        const buried = () => second.log.filter(({ msg }) => msg === "event is now a dead letter")
        await waitUntil(() => buried().length > 0, "the dead letter")
        const links = ["custom/ping", "user/pong", "custom/ping", "user/pong", "custom/ping", "user/pong"]
        const message = expect.stringContaining(`5 hops: ${[...links, "custom/ping"].join(" → ")}`)
        expect(buried()).toMatchObject([{ name: "pong", reason: "loop-suspected", error: { message } }])
        const turn = [`ping ${first.pid}`, `pong ${second.pid}`]
        expect(folder.journalLines()).toEqual([...turn, ...turn, ...turn])
      },
      CASE_TIMEOUT_MS,
    )

    describeDelivery("quorum queues", () => newEngine("quorum"))
    // The engine's own contract runs on classic queues of every broker.
    if (installation === BROKERS.at(-1)) {
      describeQueueDelivery("classic queues", () => newEngine("classic"))
    }

    for (const queueType of ["quorum", "classic"] as const) {
      test(
        `of two instances, one consumes a ${queueType} queue with a single active consumer, and the other continues in order`,
        async () => {
          await using engine = await newEngine(queueType)
          await using folder = new ServiceFolder()
          folder.write(
            "handlers/ordered.ts",
            `export default {
              queue: "custom_events", single_active_consumer: true,
              on: {
                async numbered(event) {
                  await Bun.sleep(5)
                  ${note(folder, "done")}
                  ${folder.journal('"by " + process.pid')}
                },
              },
            }`,
          )
          const environment = (name: string) => ({ ...engine.variables, DATA_DIR: name })
          const first = await folder.start(environment("first"))
          const second = await folder.start(environment("second"))
          await waitUntil(async () => (await isReady(first)) && (await isReady(second)), "both to be ready")
          const instances = () => new Set(folder.journalLines().filter((line) => line.startsWith("by ")))
          const publishing = publishInTurns(second, ["k1", "k2"], 100)
          await waitUntil(() => (doneByKey(folder).get("k1")?.length ?? 0) >= 20, "some events")
          expect(instances().size).toBe(1)
          await first.kill()
          await publishing
          await waitUntil(() => [...doneByKey(folder).values()].flat().length === 200, "the rest")
          expect(instances().size).toBe(2)
          for (const numbers of doneByKey(folder).values()) expect(numbers).toEqual(upTo(100))
        },
        CASE_TIMEOUT_MS,
      )
    }
  })
}
