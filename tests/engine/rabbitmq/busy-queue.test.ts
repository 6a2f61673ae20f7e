import { expect, test } from "bun:test"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { statsOf } from "../../support/queue-stats.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { SharedHost } from "../../support/rabbitmq/shared-host.ts"

const TIMEOUT_MS = 60_000

/** Longer than the 250 ms after which RabbitMQ answers 0 in place of the queue. */
const BUSY_MS = 1_500

onEveryBroker((node) => {
  test(
    "a queue whose leader is too busy to answer is not mistaken for an empty or unconsumed one",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      const { engine } = host
      await host.declare("full", "used")
      const publish = (queue: string) => engine.publish(newEvent({ routing_key: queue }))
      await Promise.all(["full", "full", "full"].map(publish))
      const inbox = new Inbox(engine, "used")
      await publish("used")
      await (await inbox.next()).ack()

      await host.busy("full", BUSY_MS)
      expect(await statsOf(engine, "full")).toMatchObject({ messageCount: 3 })
      await host.busy("full", BUSY_MS)
      await expect(engine.queueAdministration.delete("full", { ifEmpty: true })).rejects.toMatchObject({
        name: "QueueNotEmptyError",
      })
      await host.busy("used", BUSY_MS)
      await expect(engine.queueAdministration.delete("used")).rejects.toMatchObject({
        name: "QueueInUseError",
      })
      expect(await statsOf(engine, "full")).toMatchObject({ messageCount: 3 })
    },
    TIMEOUT_MS,
  )
})
