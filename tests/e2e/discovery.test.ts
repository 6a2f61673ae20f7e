import { expect, test } from "bun:test"
import { hostname } from "node:os"
import { freePorts } from "../support/free-ports.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { ServiceRegistry } from "../support/service-registry.ts"
import { waitUntil } from "../support/wait-until.ts"

test("the service registers once it listens, and deregisters while it still answers", async () => {
  await using registry = new ServiceRegistry()
  await using folder = new ServiceFolder()
  const withoutScheme = registry.url.replace("http://", "")
  const service = await folder.start({ SERVICE_DISCOVERY_URL: withoutScheme, HOST: "0.0.0.0" })
  await waitUntil(() => registry.services.length === 1, "the service to be known")
  const port = Number(new URL(service.url).port)
  expect(registry.services).toEqual([
    {
      id: `event-broker-${hostname()}-${port}`,
      name: "event-broker",
      host: hostname(),
      port,
      health_check: "/health",
      metadata: { version: expect.any(String), engine: "embedded" },
    },
  ])
  const seen: unknown[] = []
  registry.onDelete = async () => {
    seen.push((await service.get("/health/ready")).status, (await service.get("/health/live")).status)
  }
  expect(await service.stop()).toBe(0)
  expect(seen).toEqual([503, 200])
  expect(registry.services).toEqual([])
})

test("a registry that is down delays neither the start nor an event nor the stop", async () => {
  await using folder = new ServiceFolder()
  const [port = 0] = await freePorts(1)
  const service = await folder.start({
    SERVICE_DISCOVERY_URL: `127.0.0.1:${port}`,
    SERVICE_HOST: "broker.local",
  })
  await service.publish({ name: "counted" })
  const told = () => service.log.filter(({ msg }) => msg.startsWith("not registered"))
  await waitUntil(() => told().length === 1, "the log to tell of it")
  expect((await service.get("/health/ready")).status).toBe(200)
  await using registry = new ServiceRegistry({ port })
  await waitUntil(() => registry.services[0]?.host === "broker.local", "the service to be known")
  await registry[Symbol.asyncDispose]()
  expect(await service.stop()).toBe(0)
})

test("without SERVICE_DISCOVERY_URL the service registers nowhere", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  expect(await service.stop()).toBe(0)
  expect(service.log.filter(({ msg }) => msg.includes("regist"))).toEqual([])
})
