import { expect, test } from "bun:test"
import { isReady } from "../support/counting-service.ts"
import { installations, type RabbitMqInstallation } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 300_000

/** Longer than RabbitMQ takes to end the connection of a consumer that it can't start: 65 seconds. */
const ENDED_WITHIN_MS = 120_000

/** Removes the replica of a quorum queue, as a crash does that destroys its files: RabbitMQ goes on listing the queue. */
const destroy = (node: RabbitMqNode, queue: string) =>
  node.control("eval", `ra:force_delete_server(quorum_queues, {list_to_atom("%2F_${queue}"), node()}).`)

interface Health {
  readonly status: string
  readonly warning?: string
}

const health = async (service: RunningService) => (await service.get("/health")).body as Health

async function publish(service: RunningService, name: string): Promise<{ status: number; text: string }> {
  const response = await service.post("/api/v1/events", { type: "custom", name, payload: {} })
  return { status: response.status, text: await response.text() }
}

async function check(installation: RabbitMqInstallation): Promise<void> {
  await using node = await RabbitMqNode.start(installation)
  await using folder = new ServiceFolder()
  for (const queue of ["kept", "lost", "broken"]) {
    folder.write(
      `handlers/${queue}.ts`,
      `export default { queue: "${queue}", bind: ["events.custom.${queue}"], on: { "*"(event) { ${folder.journal('event.name + " " + event.id')} } } }`,
    )
  }
  const service = await folder.start({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port) })
  const ready = () => waitUntil(() => isReady(service), "the service to be ready", ENDED_WITHIN_MS)
  const tellsFrom = (line: number) =>
    waitUntil(
      () =>
        service.log.slice(line).some(({ msg }) => String(msg).startsWith("the queue broken can't be used")),
      "the log to name the queue",
      ENDED_WITHIN_MS,
    )
  await ready()

  // While it is consumed, and events are published to it: on the connection of all, and then on its own.
  const handled = () => folder.journalLines().filter((line) => line.startsWith("lost ")).length
  for (let time = 0; time < 2; time++) {
    const from = service.log.length
    const before = handled()
    await destroy(node, "lost")
    while (
      !service.log.slice(from).some(({ msg }) => String(msg).startsWith("the queue lost can't be used"))
    ) {
      void publish(service, "lost")
      expect(await publish(service, "kept")).toMatchObject({ status: 201 })
      await Bun.sleep(50)
    }
    expect(await publish(service, "lost")).toMatchObject({ status: 503 })
    await node.control("delete_queue", "lost")
    await waitUntil(
      async () => (await publish(service, "lost")).status === 201,
      "the queue to be declared again",
    )
    await waitUntil(() => handled() > before, "its event to be handled")
  }

  // While RabbitMQ is away: its consumer is then started on the connection of all.
  const line = service.log.length
  await destroy(node, "broken")
  await node.kill()
  await node.start()
  await tellsFrom(line)
  await ready()
  expect(await health(service)).toMatchObject({ status: "degraded" })
  expect(JSON.stringify(await health(service))).toContain("the queue broken can't be used")
  const refused = await publish(service, "broken")
  expect(refused.status).toBe(503)
  expect(refused.text).toContain("the queue broken can't be used: ")
  expect(refused.text).toContain('"not-stored"')

  // RabbitMQ ends the connection of the consumer, at the latest, when it gives the start up.
  const before = folder.journalLines().length
  const beginsAt = Date.now()
  let published = 0
  while (Date.now() - beginsAt < 80_000) {
    expect(await publish(service, "kept")).toMatchObject({ status: 201 })
    published++
    await Bun.sleep(1_000)
  }
  await waitUntil(() => folder.journalLines().length - before >= published, "every event to be handled")
  // The connection of the other consumers ends once, because this one was started on it.
  const downs = service.log.slice(line).filter(({ state }) => state === "unavailable")
  expect(downs.length).toBeLessThanOrEqual(2)
  expect(await health(service)).toMatchObject({ status: "degraded" })

  expect((await fetch(`${service.url}/api/v1/queues/broken/purge`, { method: "POST" })).status).toBe(503)
  expect((await publish(service, "kept")).status).toBe(201)
  folder.remove("handlers/broken.ts")
  expect((await service.post("/api/v1/modules/reload", {})).status).toBe(200)
  await ready()
  expect(JSON.stringify(await health(service))).not.toContain("the queue broken")
  await service.stop()
}

// Both brokers at once, because the test mostly waits.
test(
  "a queue that RabbitMQ can't use costs only itself, and is named",
  () => Promise.all(installations().map(check)),
  TIMEOUT_MS,
)
