import { expect, test } from "bun:test"
import { freePorts } from "../support/free-ports.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"

/** How a command ended, and what it printed. */
async function run(folder: ServiceFolder, args: readonly string[], environment: Record<string, string>) {
  const command: RunningService = folder.spawn(args, environment)
  const code = await command.exited()
  return { code, stdout: command.stdout, stderr: command.stderr }
}

test("event-broker health reports the service that its settings point to, and exits 0", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  const PORT = new URL(service.url).port
  for (const HOST of ["127.0.0.1", "0.0.0.0"]) {
    const { code, stdout } = await run(folder, ["health", "--json"], { PORT, HOST })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ status: "ready", engine: "embedded" })
  }
  const text = await run(folder, ["health"], { PORT })
  expect(text.stdout).toMatch(/^ready: Event Broker \S+ on the embedded engine\n {2}engine +up\n/)
  const live = await run(folder, ["health", "--live", "--url", `${service.url}/`], { PORT: "1" })
  expect([live.code, live.stdout]).toEqual([0, "alive\n"])
})

test("health asks the service of EVENT_BROKER_URL, with the key of EVENT_BROKER_KEY or --key", async () => {
  await using folder = new ServiceFolder()
  const keys: (string | null)[] = []
  using proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      keys.push(request.headers.get("authorization"))
      return Response.json({ status: "ready" })
    },
  })
  const environment = { EVENT_BROKER_URL: proxy.url.href, EVENT_BROKER_KEY: "from-variable" }
  expect((await run(folder, ["health"], environment)).code).toBe(0)
  expect((await run(folder, ["health", "--key", "from-flag"], environment)).code).toBe(0)
  expect(keys).toEqual(["Bearer from-variable", "Bearer from-flag"])
})

test("with RabbitMQ down, health --live succeeds, and health and health --ready fail", async () => {
  await using folder = new ServiceFolder()
  const [closed] = await freePorts(1)
  const broker = { RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(closed) }
  const service = await folder.start(broker)
  const settings = { ...broker, PORT: new URL(service.url).port }
  expect((await run(folder, ["health", "--live"], settings)).code).toBe(0)
  for (const question of [["health"], ["health", "--ready"]]) {
    const { code, stdout } = await run(folder, [...question, "--json"], settings)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      status: "unavailable",
      checks: { engine: { status: "down" } },
    })
    expect((await run(folder, question, settings)).stdout).toMatch(
      /^unavailable: .*\n {2}engine +down +RabbitMQ/,
    )
  }
})

test("health exits 1 and says why if nothing answers in time", async () => {
  await using folder = new ServiceFolder()
  const [closed] = await freePorts(1)
  const away = await run(folder, ["health"], { PORT: String(closed) })
  expect(away.code).toBe(1)
  expect(away.stderr).toBe(
    `event-broker: the service at http://127.0.0.1:${closed} can't be reached: nothing listens there (ECONNREFUSED). Start it, or say where it is with --url or EVENT_BROKER_URL\n`,
  )
  using hanging = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  const hung = await run(folder, ["health", "--url", `http://127.0.0.1:${hanging.port}`], {})
  expect(hung.code).toBe(1)
  expect(hung.stderr).toContain("no answer in time")
  const wrong = await run(folder, ["health", "--url", "nonsense"], {})
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("begins with http://")])
  const misconfigured = await run(folder, ["health"], { PORT: "x" })
  expect([misconfigured.code, misconfigured.stderr]).toEqual([2, expect.stringContaining("PORT")])
})
