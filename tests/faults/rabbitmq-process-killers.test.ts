import { expect, test } from "bun:test"
import { killUntilDeadLetter, WAYS_TO_KILL } from "../support/killed-by-handlers.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"

const TEST_TIMEOUT_MS = 60_000

onEveryBroker((node) => {
  test.each(WAYS_TO_KILL)(
    "an event whose handler calls %s becomes a dead letter at its limit",
    async (way) => {
      await using host = await VirtualHost.create(node())
      const killed = await killUntilDeadLetter(
        way,
        { RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node().port), RABBITMQ_VHOST: host.name },
        false,
      )
      expect(killed).toEqual(["kills 1", "kills 2", "kills 3"])
    },
    TEST_TIMEOUT_MS,
  )
})
