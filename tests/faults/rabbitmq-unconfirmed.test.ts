import { describe, expect, test } from "bun:test"
import { isReady } from "../support/counting-service.ts"
import { writeNotingModule } from "../support/killed-history.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { StallingProxy } from "../support/rabbitmq/stalling-proxy.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 180_000

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    test(
      "an event is unknown in the history whose publish was not confirmed in time, and handled once it is",
      async () => {
        await using node = await RabbitMqNode.start(installation)
        using proxy = await StallingProxy.start(node.port)
        await using folder = new ServiceFolder()
        const service = await folder.start({
          RABBITMQ_HOST: "127.0.0.1",
          RABBITMQ_PORT: String(proxy.port),
          CONFIRM_TIMEOUT: "1000",
        })
        await waitUntil(() => isReady(service), "the service to be ready")
        proxy.stall()
        const event = { id: "doubtful", type: "custom", name: "steady", payload: {} }
        const answer = await service.post("/api/v1/events", event)
        expect(await answer.json()).toMatchObject({ status: 504, outcome: "unknown" })
        proxy.resume()
        const stateOf = async (): Promise<unknown> => {
          return (await service.get("/api/v1/events/doubtful")).body
        }
        await waitUntil(async () => {
          const found = (await stateOf()) as { readonly queues?: readonly { readonly state: string }[] }
          return found.queues?.[0]?.state === "unknown"
        }, "the event to be unknown")
        expect(await stateOf()).toMatchObject({ status: "pending", queues: [{ queue: "custom_events" }] })
        // RabbitMQ got it late: a handler that comes later settles it.
        writeNotingModule(folder)
        expect((await service.post("/api/v1/modules/reload", {})).status).toBe(200)
        await waitUntil(
          async () => ((await stateOf()) as { readonly status?: string }).status === "completed",
          "the event to be handled",
        )
      },
      TIMEOUT_MS,
    )
  })
}
