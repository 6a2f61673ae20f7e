import { expect, test } from "bun:test"
import type { Engine } from "../../../src/engine/engine.ts"
import { INSTANCES_QUEUE } from "../../../src/engine/rabbitmq/queues/instance-count.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { SharedHost } from "../../support/rabbitmq/shared-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

const counts = (engine: Engine, expected: number | null) =>
  waitUntil(async () => (await engine.queueAdministration.instances()) === expected, `${expected} instances`)

onEveryBroker((node) => {
  test(
    "each instance counts those that are connected, and the queue that is deleted under them is declared again",
    async () => {
      await using shared = await SharedHost.open(node(), "quorum")
      await shared.declare("calls")
      await counts(shared.engine, 1)
      const second = shared.newEngine({})
      await second.declareQueues([queueDeclaration("calls")])
      await counts(shared.engine, 2)
      await counts(second, 2)
      await second.close()
      await counts(shared.engine, 1)
      await counts(second, null)
      await shared.other.queueDelete(INSTANCES_QUEUE)
      await counts(shared.engine, 1)
    },
    TIMEOUT_MS,
  )

  test(
    "without the permission the number is not known, and everything else works",
    async () => {
      await using shared = await SharedHost.open(node(), "quorum")
      await shared.permit({ configure: "^(?!event-broker.instances).*$" })
      await shared.declare("calls")
      const { queueAdministration } = shared.engine
      await waitUntil(async () => (await queueAdministration.knowledge()) === "all", "the register")
      expect(await queueAdministration.instances()).toBeNull()
      expect(shared.engine.status()).toEqual({ state: "ready" })
      expect(shared.log.filter(({ level }) => level !== "info")).toEqual([])
    },
    TIMEOUT_MS,
  )
})
