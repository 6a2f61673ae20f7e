import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { AMQPClient } from "@cloudamqp/amqp-client"
import { deadQueueOf } from "../../src/engine/rabbitmq/topology/topology.ts"
import { isReady } from "../support/counting-service.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000
const QUEUE = "custom_events"
const PATH = `/api/v1/dead-letters/${QUEUE}`

/** How long the other reader keeps the dead letters after the request was sent, in milliseconds: longer than a look takes. */
const HELD_MS = 500

/** Takes all dead letters as another instance does that reads them. The function that it returns gives them back. */
async function hold(port: number, count: number): Promise<() => Promise<void>> {
  const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${port}/`)
  await client.connect()
  const channel = await client.channel()
  let taken = 0
  await channel.basicConsume(deadQueueOf(QUEUE), { noAck: false }, () => {
    taken++
  })
  await waitUntil(() => taken === count, "the dead letters to be taken")
  return async () => {
    await channel.close()
    await client.close()
  }
}

async function edit(service: RunningService, id: string) {
  const response = await service.post(`${PATH}/redrive-edited`, { id, payload: { amount: 5 } })
  return { status: response.status, body: await response.json() }
}

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
    }, TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    test(
      "an edit waits while something else reads the dead letters, and says so if that takes too long",
      async () => {
        await using folder = new ServiceFolder()
        folder.write(
          "handlers/payments.ts",
          `export default {
            queue: "${QUEUE}", retry: { attempts: 1 },
            on: { paid(event) { if (event.payload.amount < 0) throw new Error("no such amount") } },
          }`,
        )
        const service = await folder.start({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port) })
        await waitUntil(() => isReady(service), "the service to be ready")
        for (const id of ["p-1", "p-2"]) await service.publish({ id, name: "paid", payload: { amount: -5 } })
        const count = async () => ((await service.get(PATH)).body as { readonly count: number }).count
        await waitUntil(async () => (await count()) === 2, "the dead letters")

        const giveBack = await hold(node.port, 2)
        const edited = edit(service, "p-1")
        await Bun.sleep(HELD_MS)
        await giveBack()
        expect(await edited).toMatchObject({ status: 200, body: { is_repetition: false } })

        const giveBackLate = await hold(node.port, 1)
        expect(await edit(service, "p-2")).toMatchObject({
          status: 409,
          body: { type: "urn:event-broker:problem:dead-letters-in-use", retryable: true },
        })
        await giveBackLate()
        expect(await edit(service, "p-2")).toMatchObject({ status: 200 })
        expect(await edit(service, "p-3")).toMatchObject({ status: 404, body: { retryable: false } })
      },
      TIMEOUT_MS,
    )
  })
}
