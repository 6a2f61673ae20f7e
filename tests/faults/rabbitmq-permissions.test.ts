import { expect, test } from "bun:test"
import { chmodSync } from "node:fs"
import { join } from "node:path"
import { isReady } from "../support/counting-service.ts"
import { EventSource } from "../support/event-source.ts"
import type { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { runCommand } from "../support/run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000
const EXAMPLE = Bun.fileURLToPath(new URL("../../examples/rabbitmq-user.sh", import.meta.url))
const DEAD_LETTERS = "/api/v1/dead-letters/voice_events"
const PASSWORD = "only-for-this-test"

/**
 * A user as the example makes it, on a virtual host of its own.
 * @param runs how often it is made; from the second time on it is there.
 * @returns the settings of a service that is this user.
 */
async function madeByTheExample(node: RabbitMqNode, host: VirtualHost, folder: ServiceFolder, runs = 1) {
  folder.write("bin/rabbitmqctl", node.controlScript)
  chmodSync(join(folder.path, "bin/rabbitmqctl"), 0o755)
  const settings = {
    RABBITMQ_USER: `user-of-${host.name}`,
    RABBITMQ_PASSWORD: PASSWORD,
    RABBITMQ_VHOST: host.name,
  }
  const environment = { ...settings, QUEUES: "audit", PATH: `${folder.path}/bin:${process.env["PATH"]}` }
  for (let run = 1; run <= runs; run++)
    expect(await runCommand(["sh", EXAMPLE], folder.path, environment)).toMatchObject({ code: 0 })
  return { RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port), ...settings }
}

/** Takes the user's permission to configure, and leaves the others. */
async function configureNothing(node: RabbitMqNode, host: VirtualHost, user: string): Promise<void> {
  const path = `permissions/${host.name}/${user}`
  const permissions = (await node.manage("GET", path)) as Readonly<Record<string, string>>
  await node.manage("PUT", path, { ...permissions, configure: "^$" })
}

/** A folder with a module that fails at first, one that always does, and one for a queue of its own. */
function failingFolder(): ServiceFolder {
  const folder = new ServiceFolder()
  const retry = "retry: { attempts: 2, backoff: { initial: 1 } }"
  folder.write(
    "handlers/calls.ts",
    `export default { queue: "voice_events", ${retry}, on: {
      fails_once(event, ctx) { if (ctx.attempt === 1) throw new Error("not yet"); ${folder.journal("event.id")} },
      always_fails() { throw new Error("never") },
    } }`,
  )
  folder.write("handlers/audit.ts", `export default { queue: "audit", bind: ["events.#"], on: { "*"() {} } }`)
  return folder
}

const command = (folder: ServiceFolder, service: RunningService, ...args: readonly string[]) =>
  runCommand([BINARY, ...args, "--url", service.url], folder.path)

const handled = (folder: ServiceFolder, id: string) =>
  waitUntil(() => folder.journalLines().includes(id), "the event to be handled at its second attempt")

const ready = (service: RunningService) => waitUntil(() => isReady(service), "the service to be ready")

/** Log lines that a service with all permissions would not write. */
const complaints = ({ log }: RunningService) =>
  log.filter((line) => /ACCESS_REFUSED|access to .* refused|can't/i.test(JSON.stringify(line)))

onEveryBroker((node) => {
  test.each(["quorum", "classic"])(
    "the user of examples/rabbitmq-user.sh does all that the service can do, on %s queues",
    async (QUEUE_TYPE) => {
      await using host = await VirtualHost.create(node())
      await using folder = failingFolder()
      const settings = { ...(await madeByTheExample(node(), host, folder)), QUEUE_TYPE }
      const first = await folder.start(settings)
      await ready(first)
      using stream = await EventSource.open(`${first.url}/api/v1/events/stream`)
      expect(stream.head).toStartWith("HTTP/1.1 200")
      const retried = await first.publish({ type: "voice", name: "fails_once", ordering_key: "c-1" })
      await stream.saw("fails_once")
      await handled(folder, retried)
      for (let n = 0; n < 2; n++) await first.publish({ type: "voice", name: "always_fails" })
      const hasDead = (count: number) =>
        waitUntil(
          async () => ((await first.get(DEAD_LETTERS)).body as { readonly count: number }).count === count,
          `${count} dead letters`,
        )
      await hasDead(2)
      expect(
        await command(folder, first, "dead-letters", "redrive", "voice_events", "--limit", "1"),
      ).toMatchObject({
        code: 0,
      })
      await hasDead(2)
      expect(await command(folder, first, "dead-letters", "purge", "voice_events", "--all")).toMatchObject({
        code: 0,
      })
      await hasDead(0)
      expect((await first.get("/health/rabbitmq")).body).toMatchObject({
        capabilities: { finds_undeclared_queues: true },
      })
      expect((await first.get("/health")).body).toMatchObject({ status: "ready" })
      expect(await first.stop()).toBe(0)

      folder.remove("handlers/audit.ts")
      const second = await folder.start(settings)
      const isFound = async () => (await second.get("/api/v1/queues/audit")).status === 200
      await waitUntil(isFound, "the orphaned queue to be found")
      for (const args of [["purge"], ["unbind"], ["delete", "--force"]])
        expect(await command(folder, second, "queues", ...args, "audit")).toMatchObject({ code: 0 })
      expect([...complaints(first), ...complaints(second)]).toEqual([])
    },
    TIMEOUT_MS,
  )

  test(
    "with TOPOLOGY=passive the user needs to configure nothing",
    async () => {
      await using host = await VirtualHost.create(node())
      await using folder = failingFolder()
      const settings = await madeByTheExample(node(), host, folder, 2)
      const declaring = await folder.start(settings)
      await ready(declaring)
      await handled(folder, await declaring.publish({ type: "voice", name: "fails_once" }))
      await declaring.stop()
      await configureNothing(node(), host, settings.RABBITMQ_USER)
      const passive = await folder.start({ ...settings, TOPOLOGY: "passive" })
      await ready(passive)
      await handled(folder, await passive.publish({ type: "voice", name: "fails_once" }))
    },
    TIMEOUT_MS,
  )
})
