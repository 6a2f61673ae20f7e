import { describe, expect, test } from "bun:test"
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

const own = (folder: ServiceFolder, ...patterns: readonly string[]): string =>
  `export default { queue: "own", bind: ${JSON.stringify(patterns)}, on: { a(event) { ${folder.journal("event.id")} } } }`

onEveryBroker((node) => {
  /** Starts a service on a host where the queue clash was declared by another one, as one with a single active consumer. */
  async function besideClash(
    folder: ServiceFolder,
    host: VirtualHost,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<RunningService> {
    const settings = {
      RABBITMQ_HOST: "127.0.0.1",
      RABBITMQ_PORT: String(node().port),
      RABBITMQ_VHOST: host.name,
      ...environment,
    }
    await using elsewhere = new ServiceFolder()
    elsewhere.write("handlers/clash.ts", clash("single_active_consumer: true,"))
    const first = await elsewhere.start(settings)
    await ready(first)
    await first.stop()
    folder.write("handlers/own.ts", own(folder, "events.user.a"))
    const service = await folder.start(settings)
    await ready(service)
    return service
  }

  async function objectsOf(
    host: VirtualHost,
  ): Promise<{ readonly queues: string[]; readonly bindings: string[] }> {
    type Binding = { readonly destination: string; readonly routing_key: string }
    const queues = (await node().manage("GET", `queues/${host.name}`)) as readonly { readonly name: string }[]
    const bindings = (await node().manage("GET", `bindings/${host.name}`)) as readonly Binding[]
    return {
      queues: queues.map(({ name }) => name),
      bindings: bindings.map(({ destination, routing_key }) => `${routing_key} -> ${destination}`),
    }
  }

  describe.each(["quorum", "classic"])("with %s queues", (QUEUE_TYPE) => {
    test(
      "a reload of which RabbitMQ refuses one queue declares and binds none, and says which module and where",
      async () => {
        await using host = await VirtualHost.create(node())
        await using folder = new ServiceFolder()
        const service = await besideClash(folder, host, { QUEUE_TYPE })
        folder.write("handlers/own.ts", own(folder, "events.user.a", "events.user.b"))
        folder.write(
          "handlers/a-fresh.ts",
          'export default { queue: "fresh", bind: ["events.user.c"], on: { c() {} } }',
        )
        folder.write("handlers/clash.ts", clash(""))
        const answer = await service.post("/api/v1/modules/reload", {})
        expect(answer.status).toBe(422)
        const fault = {
          module: "clash.ts",
          message: expect.stringMatching(/`single_active_consumer` of the queue clash was true/),
          file: "handlers/clash.ts",
          line: 1,
        }
        expect(await answer.json()).toMatchObject({ errors: [fault] })
        const health = (await service.get("/health")).body as Record<string, unknown>
        expect(health).toMatchObject({
          checks: {
            modules: { detail: expect.stringMatching(/handler module clash\.ts: .*\(clash\.ts:1:\d+\)/) },
          },
        })
        const rejected = service.log.find(({ msg }) => msg.startsWith("handler modules rejected"))
        expect(rejected).toMatchObject({
          error: { message: expect.stringMatching(/handler module clash\.ts: [\s\S]*clash\.ts:1:/) },
        })
        const { queues, bindings } = await objectsOf(host)
        expect(queues).not.toContain("fresh")
        expect(bindings).not.toContain("events.user.b -> own")
        expect(bindings).toContain("events.user.a -> own")

        folder.remove("handlers/clash.ts")
        expect((await service.post("/api/v1/modules/reload", {})).status).toBe(200)
        expect((await objectsOf(host)).bindings).toContain("events.user.b -> own")
      },
      TIMEOUT_MS,
    )
  })

  test(
    "a binding that RabbitMQ refuses takes back the others of its reload, except those that an instance recorded",
    async () => {
      await using host = await VirtualHost.create(node())
      await using folder = new ServiceFolder()
      folder.write("handlers/own.ts", own(folder, "events.user.a"))
      await node().control("add_user", host.name, "secret")
      await node().control("set_permissions", "-p", host.name, host.name, ".*", ".*", ".*")
      const limited = await folder.start({
        RABBITMQ_HOST: "127.0.0.1",
        RABBITMQ_PORT: String(node().port),
        RABBITMQ_VHOST: host.name,
        RABBITMQ_USER: host.name,
        RABBITMQ_PASSWORD: "secret",
      })
      await ready(limited)
      const recorded = async () =>
        (await limited.get("/api/v1/queues")).body as { readonly is_complete: boolean }
      await waitUntil(async () => (await recorded()).is_complete, "the queues to be recorded")
      // RabbitMQ asks for the permission to write to a queue that is bound.
      await node().control("set_permissions", "-p", host.name, host.name, ".*", "^(?!later$).*", ".*")
      folder.write("handlers/own.ts", own(folder, "events.user.a", "events.user.b"))
      folder.write(
        "handlers/z-later.ts",
        'export default { queue: "later", bind: ["events.user.c"], on: { c() {} } }',
      )
      const answer = await limited.post("/api/v1/modules/reload", {})
      expect(answer.status).toBe(422)
      expect(await answer.json()).toMatchObject({ errors: [{ module: "z-later.ts" }] })
      const { bindings } = await objectsOf(host)
      expect(bindings).toContain("events.user.a -> own")
      expect(bindings).not.toContain("events.user.b -> own")
      await node().control("delete_user", host.name)
    },
    TIMEOUT_MS,
  )

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
