import { expect, test } from "bun:test"
import pino from "pino"
import { Registration } from "../../src/discovery/registration.ts"
import { Registry } from "../../src/discovery/registry.ts"
import { freePorts } from "../support/free-ports.ts"
import { ServiceRegistry } from "../support/service-registry.ts"
import { waitUntil } from "../support/wait-until.ts"

const SERVICE = {
  id: "event-broker-a/b-8000",
  name: "event-broker",
  host: "a/b",
  port: 8_000,
  health_check: "/health",
  metadata: { version: "1.2.3", engine: "embedded" },
}

const BACKOFF = { initialMs: 5, factor: 2, maxMs: 20 }

/** The registration at a registry's URL, and what it logs. */
function registrationAt(url: string, renewEveryMs = 10) {
  const log: string[] = []
  const logger = pino({}, { write: (line) => log.push(JSON.parse(line).msg) })
  const options = { registry: new Registry(url), service: SERVICE, logger, renewEveryMs, backoff: BACKOFF }
  return { registration: new Registration(options), log }
}

test("a registry knows the service at once, as it describes itself, and is told again before it forgets", async () => {
  await using registry = new ServiceRegistry({ ttlMs: 500 })
  const { registration, log } = registrationAt(`${registry.url}/`)
  await waitUntil(() => registry.calls.length >= 20, "twenty registrations")
  expect(registry.services).toEqual([SERVICE])
  expect(registry.calls.slice(0, 3)).toEqual(["POST 201", "POST 200", "POST 200"])
  await registration.stop()
  expect(registry.services).toEqual([])
  expect(registry.calls.at(-1)).toBe("DELETE 204")
  expect(log).toEqual(["registered", "deregistered"])
})

test("a registry that is away at first gets the service once it comes, and the log tells of it once", async () => {
  const [port = 0] = await freePorts(1)
  const { registration, log } = registrationAt(`http://127.0.0.1:${port}`)
  await waitUntil(() => log.length > 0, "the log to tell")
  await using registry = new ServiceRegistry({ port })
  await waitUntil(() => log.at(-1) === "registered", "the service to be known")
  await registration.stop()
  expect(registry.calls).toEqual(["POST 201", "DELETE 204"])
  expect(log).toEqual(["not registered; it will be tried again", "registered", "deregistered"])
})

test("a registry that answers errors, and one that has forgotten all, get the service again", async () => {
  const registry = new ServiceRegistry()
  const { registration, log } = registrationAt(registry.url)
  await waitUntil(() => log.at(-1) === "registered", "the service to be known")
  registry.mode = "failing"
  await waitUntil(() => registry.calls.filter((call) => call === "POST 500").length > 3, "several failures")
  await registry[Symbol.asyncDispose]()
  await using another = new ServiceRegistry({ port: Number(new URL(registry.url).port) })
  await waitUntil(
    () => log.filter((line) => line === "registered").length === 2,
    "the new registry to know it",
  )
  expect(another.services).toEqual([SERVICE])
  await registration.stop()
  const told = ["registered", "not registered; it will be tried again", "registered", "deregistered"]
  expect(log).toEqual(told)
})

test("a registration that is on its way when the service stops does not come after its end", async () => {
  await using registry = new ServiceRegistry()
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
  registry.onPost = () => held
  const { registration } = registrationAt(registry.url)
  await waitUntil(() => registry.pending === 1, "the registration to be on its way")
  const stopped = registration.stop()
  // Time enough for a call that did not wait to get there first.
  await Bun.sleep(50)
  letGo()
  await stopped
  expect(registry.calls).toEqual(["POST 201", "DELETE 204"])
  expect(registry.services).toEqual([])
})

test("a registry that hangs holds up no stop", async () => {
  await using registry = new ServiceRegistry()
  registry.mode = "hanging"
  const { registration, log } = registrationAt(registry.url)
  await registration.stop()
  expect(log).toEqual(["could not deregister; the registry will forget this service"])
})

test("a registry that does not know the service any more is no fault at a stop", async () => {
  await using registry = new ServiceRegistry()
  const { registration, log } = registrationAt(registry.url, 60_000)
  await waitUntil(() => log.at(-1) === "registered", "the service to be known")
  await new Registry(registry.url).deregister(SERVICE.id, AbortSignal.timeout(1_000))
  await registration.stop()
  expect(registry.calls).toEqual(["POST 201", "DELETE 204", "DELETE 404"])
  expect(log).toEqual(["registered", "deregistered"])
})
