import { afterAll, beforeAll, describe } from "bun:test"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { describeDelivery } from "./delivery-contract.ts"

const START_TIMEOUT_MS = 60_000

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
    }, START_TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    for (const queueType of ["quorum", "classic"]) {
      describeDelivery(`${queueType} queues`, async () => {
        const host = await VirtualHost.create(node)
        const variables = {
          RABBITMQ_HOST: "127.0.0.1",
          RABBITMQ_PORT: String(node.port),
          RABBITMQ_VHOST: host.name,
          QUEUE_TYPE: queueType,
        }
        return { variables, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
      })
    }
  })
}
