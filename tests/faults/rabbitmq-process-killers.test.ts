import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { killUntilDeadLetter, WAYS_TO_KILL } from "../support/killed-by-handlers.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"

const START_TIMEOUT_MS = 60_000
const TEST_TIMEOUT_MS = 60_000

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
    }, START_TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    test.each(WAYS_TO_KILL)(
      "an event whose handler calls %s is a dead letter at its limit",
      async (way) => {
        await using host = await VirtualHost.create(node)
        const killed = await killUntilDeadLetter(
          way,
          { RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port), RABBITMQ_VHOST: host.name },
          false,
        )
        expect(killed).toEqual(["kills 1", "kills 2", "kills 3"])
      },
      TEST_TIMEOUT_MS,
    )
  })
}
