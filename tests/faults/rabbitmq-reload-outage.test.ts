import { expect, test } from "bun:test"
import { isReady } from "../support/counting-service.ts"
import { onEveryBroker } from "../support/rabbitmq/on-every-broker.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { runCommand } from "../support/run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 90_000

const ready = (service: RunningService) => waitUntil(() => isReady(service), "the service to be ready")
const away = (service: RunningService) =>
  waitUntil(async () => !(await isReady(service)), "the service to miss RabbitMQ")

/** A module that writes its version and the name of each event. */
const versioned = (folder: ServiceFolder, version: number): string =>
  `export default { queue: "custom_events", on: { any(event) { ${folder.journal(`"${version} " + event.id`)} } } }`

const clash = (option: string): string =>
  `export default { queue: "clash", bind: ["events.custom.clash"], ${option} on: { any() {} } }`

interface Health {
  readonly status: string
  readonly checks: { readonly engine: { readonly detail?: string } }
}

const healthOf = async (service: RunningService) => (await service.get("/health")).body as Health

const reload = (service: RunningService) => service.post("/api/v1/modules/reload", {})

onEveryBroker((node) => {
  const settingsOf = ({ name }: VirtualHost) => ({
    RABBITMQ_HOST: "127.0.0.1",
    RABBITMQ_PORT: String(node().port),
    RABBITMQ_VHOST: name,
  })

  /** Stops RabbitMQ. It is back after `end`, and after the test in any case. */
  async function outage() {
    await node().control("stop_app")
    const end = () => node().control("start_app")
    return { end, [Symbol.asyncDispose]: async () => void (await end()) }
  }

  test(
    "a reload while RabbitMQ is away is refused, and taken once it is back if nobody waits for an answer",
    async () => {
      await using host = await VirtualHost.create(node())
      await using asked = new ServiceFolder()
      await using signalled = new ServiceFolder()
      await using watched = new ServiceFolder()
      const folders = [asked, signalled, watched]
      for (const folder of folders) folder.write("handlers/versioned.ts", versioned(folder, 1))
      const settings = settingsOf(host)
      const first = await asked.start(settings)
      const second = await signalled.start(settings)
      const third = await watched.start({ ...settings, RELOAD: "watch" })
      const services = [first, second, third]
      for (const service of services) await ready(service)
      await using broker = await outage()
      for (const service of services) await away(service)

      for (const folder of folders) folder.write("handlers/versioned.ts", versioned(folder, 2))
      second.signal("SIGHUP")
      const inUse = async () => {
        const { workers: _, ...modules } = (await first.get("/api/v1/modules")).body as {
          readonly workers: unknown
        }
        return modules
      }
      const before = await inUse()
      const answer = await reload(first)
      expect(answer.status).toBe(503)
      expect(answer.headers.get("Retry-After")).not.toBeNull()
      expect(await answer.json()).toMatchObject({
        type: "urn:event-broker:problem:engine-unavailable",
        detail: expect.stringContaining("those before stay in use"),
        retryable: true,
      })
      const command = [BINARY, "modules", "reload", "--url", first.url]
      expect(await runCommand(command, asked.path)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("those before stay in use"),
      })
      expect(await inUse()).toEqual(before)
      for (const service of [second, third]) {
        const isTold = () => service.log.some(({ msg }) => msg.startsWith("handler modules not reloaded"))
        await waitUntil(isTold, "the log to say that the reload waits")
      }

      await broker.end()
      for (const service of services) await ready(service)
      for (const service of [second, third]) {
        const isLoaded = () => service.log.some(({ msg }) => msg === "handler modules loaded")
        await waitUntil(isLoaded, "the modules to be reloaded")
      }
      expect(first.log.some(({ msg }) => msg === "handler modules loaded")).toBe(false)
      expect((await reload(first)).status).toBe(200)
      expect(await (await reload(first)).json()).toMatchObject({ is_changed: false })
    },
    TIMEOUT_MS,
  )

  test.each([
    { repair: "without the module", option: null },
    { repair: "with the module as it was", option: "single_active_consumer: true," },
  ])(
    "a queue that RabbitMQ refuses once it is back stops nobody from the others, and is given up by a reload $repair",
    async ({ option }) => {
      await using host = await VirtualHost.create(node())
      await using folder = new ServiceFolder()
      const settings = settingsOf(host)
      folder.write("handlers/clash.ts", clash("single_active_consumer: true,"))
      const before = await folder.start(settings)
      await ready(before)
      await before.stop()
      await using broker = await outage()
      folder.write("handlers/clash.ts", clash(""))
      folder.write("handlers/versioned.ts", versioned(folder, 1))
      const service = await folder.start(settings)
      await broker.end()
      await ready(service)
      const handled = async (version: number): Promise<void> => {
        const id = await service.publish({ name: "any" })
        await waitUntil(() => folder.journalLines().includes(`${version} ${id}`), "an event to be handled")
      }
      await handled(1)
      expect(await healthOf(service)).toMatchObject({
        status: "degraded",
        checks: { engine: { detail: expect.stringContaining("clash can't be used") } },
      })

      folder.write("handlers/versioned.ts", versioned(folder, 2))
      const rejected = await reload(service)
      expect(rejected.status).toBe(422)
      expect(await rejected.json()).toMatchObject({ errors: [{ module: "clash.ts", line: 1 }] })
      await handled(1)

      if (option === null) folder.remove("handlers/clash.ts")
      else folder.write("handlers/clash.ts", clash(option))
      expect((await reload(service)).status).toBe(200)
      await handled(2)
      expect((await healthOf(service)).checks.engine.detail ?? "").not.toContain("clash")
      expect(await service.stop()).toBe(0)
    },
    TIMEOUT_MS,
  )
})
