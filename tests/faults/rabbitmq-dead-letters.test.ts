import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { AMQPClient } from "@cloudamqp/amqp-client"
import { deadQueueOf } from "../../src/engine/rabbitmq/topology/topology.ts"
import { isReady } from "../support/counting-service.ts"
import { peakMemory } from "../support/peak-memory.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const START_TIMEOUT_MS = 120_000
const QUEUE = "custom_events"
const PATH = `/api/v1/dead-letters/${QUEUE}`
const COUNT = 3_000
const LETTER_LENGTH = 200_000

/**
 * Memory allowed beyond what the idle service uses; the dead letters together are 570 MiB, and more once they are
 * decoded. Seen: 140 to 290, depending on when the runtime collects what is no longer used.
 */
const MORE_MEMORY_MIB = 450

interface Shown {
  readonly count: number
  readonly dead_letters: readonly { readonly event: { readonly id: string } }[]
  readonly cursor: string | null
}

const idsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => `event-${first + index}`)

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode
    let folder: ServiceFolder

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
      folder = new ServiceFolder()
      await bury(await start())
    }, START_TIMEOUT_MS)

    afterAll(async () => {
      await folder[Symbol.asyncDispose]()
      await node[Symbol.asyncDispose]()
    })

    const start = () => folder.start({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port) })

    /** Puts large events among the dead letters, in order. */
    async function bury(service: RunningService): Promise<void> {
      await waitUntil(() => isReady(service), "the queues to be declared")
      await service.stop()
      const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${node.port}/`)
      await client.connect()
      const channel = await client.channel()
      await channel.confirmSelect()
      const text = "x".repeat(LETTER_LENGTH)
      for (let n = 0; n < COUNT; n += 50) {
        const bodies = idsFrom(n, 50).map((id) => JSON.stringify({ id, name: "large", payload: { text } }))
        await Promise.all(
          bodies.map((body) =>
            channel.basicPublish("", deadQueueOf(QUEUE), body, { deliveryMode: 2, appId: "event-broker" }),
          ),
        )
      }
      // RabbitMQ drops what has no queue, and counts 0 while a queue is busy.
      const counted = async () =>
        (await channel.queueDeclare(deadQueueOf(QUEUE), { passive: true })).messageCount
      await waitUntil(async () => (await counted()) === COUNT, "every dead letter to be there")
      await client.close()
    }

    async function look(service: RunningService, query: string): Promise<Shown> {
      const { status, body } = await service.get(PATH + query)
      if (status !== 200) throw new Error(`answered ${status}: ${JSON.stringify(body)}`)
      return body as Shown
    }

    const idsOf = ({ dead_letters }: Shown) => dead_letters.map(({ event }) => event.id)

    test("many large dead letters are listed, counted, redriven and purged in order and in little memory", async () => {
      const service = await start()
      await service.get("/health/live")
      const before = peakMemory(service.pid)
      const redrive = async (body: unknown) => (await service.post(`${PATH}/redrive`, body)).json()

      expect(idsOf(await look(service, "?limit=1"))).toEqual(["event-0"])
      expect(await redrive({ all: true, dry_run: true })).toMatchObject({ redriven: COUNT, remaining: 0 })
      const first = await look(service, "?limit=1000")
      expect(idsOf(first)).toEqual(idsFrom(0, first.count))
      expect(first.count).toBeLessThan(100)
      const next = await look(service, `?limit=10&cursor=${first.cursor}`)
      expect(idsOf(next)).toEqual(idsFrom(first.count, 10))

      expect(await redrive({ limit: 200 })).toMatchObject({ redriven: 200, remaining: COUNT - 200 })
      const purged = await fetch(`${service.url}${PATH}?limit=1000`, { method: "DELETE" })
      expect(await purged.json()).toMatchObject({ purged: 1_000, remaining: COUNT - 1_200 })
      expect(idsOf(await look(service, "?limit=3"))).toEqual(idsFrom(1_200, 3))
      expect(peakMemory(service.pid) - before).toBeLessThan(MORE_MEMORY_MIB)
      await service.stop()
    }, 180_000)
  })
}
