import { expect, test } from "bun:test"
import { isReady } from "../support/counting-service.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 60_000

const ready = (service: RunningService) => waitUntil(() => isReady(service), "the service to be ready")

const kept = (folder: ServiceFolder): string =>
  `export default { queue: "kept", bind: ["events.custom.kept"], on: { kept(event) { ${folder.journal("event.id")} } } }`

const clash = (option: string): string =>
  `export default { queue: "clash", bind: ["events.custom.clash"], ${option} on: { any() {} } }`

onEveryBroker((node) => {
  test(
    "a reload that RabbitMQ refuses deletes no queue that another instance had declared",
    async () => {
      await using host = await VirtualHost.create(node())
      await using folder = new ServiceFolder()
      const settings = {
        RABBITMQ_HOST: "127.0.0.1",
        RABBITMQ_PORT: String(node().port),
        RABBITMQ_VHOST: host.name,
      }
      folder.write("handlers/kept.ts", kept(folder))
      folder.write("handlers/clash.ts", clash("single_active_consumer: true,"))
      const first = await folder.start(settings)
      await ready(first)
      await first.stop()

      for (const name of ["kept", "clash"]) folder.remove(`handlers/${name}.ts`)
      folder.write("handlers/user.ts", 'export default { queue: "user_events", on: { login() {} } }')
      const second = await folder.start(settings)
      await ready(second)
      folder.write("handlers/kept.ts", kept(folder))
      folder.write("handlers/clash.ts", clash(""))
      expect((await second.post("/api/v1/modules/reload", {})).status).toBe(422)
      const id = await second.publish({ name: "kept" })
      folder.remove("handlers/clash.ts")
      expect((await second.post("/api/v1/modules/reload", {})).status).toBe(200)
      await waitUntil(
        () => folder.journalLines().includes(id),
        "the event on the queue that was there before",
      )
    },
    TIMEOUT_MS,
  )
})
