import { expect, test } from "bun:test"
import { freePorts } from "../support/free-ports.ts"
import { RawConnection } from "../support/raw-connection.ts"
import { runCommand } from "../support/run-command.ts"
import { BINARY, ServiceFolder } from "../support/running-service.ts"
import { slowModule } from "../support/slow-module.ts"
import { waitUntil } from "../support/wait-until.ts"

const EVENT = { type: "custom", name: "counted", payload: {} }

test("a service whose modules still load is live and starting, and refuses events until it is ready", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/slow.ts", slowModule(folder, folder.journal("event.id")))
  const [port] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const service = folder.spawn([], { PORT: String(port) })
  const answersAt = (path: string) =>
    fetch(url + path).then(
      ({ status }) => status,
      () => null,
    )
  await waitUntil(async () => (await answersAt("/health/live")) === 200, "the process to be live")
  for (const path of ["/health", "/health/ready"]) {
    const response = await fetch(url + path)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ status: "starting", checks: { pool: { status: "down" } } })
  }
  const headers = { "Content-Type": "application/json" }
  const publish = () =>
    fetch(`${url}/api/v1/events`, { method: "POST", headers, body: JSON.stringify(EVENT) })
  const refused = await publish()
  expect(refused.status).toBe(503)
  expect(refused.headers.get("retry-after")).toBe("1")
  expect(await refused.json()).toMatchObject({
    type: "urn:event-broker:problem:starting",
    title: "The service is starting",
    outcome: "not-stored",
  })
  folder.write("go", "")
  await service.listening()
  expect(await service.get("/health")).toMatchObject({ status: 200, body: { status: "ready" } })
  expect((await publish()).status).toBe(201)
  await waitUntil(() => folder.journalLines().length === 1, "the event to be handled")
})

test("a stopping service says so while it still takes requests, and then answers those in flight", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start({ SHUTDOWN_DELAY: "2000" })
  using publisher = new RawConnection(Number(new URL(service.url).port))
  const body = JSON.stringify(EVENT)
  publisher.send(
    `POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  publisher.send(body.slice(0, 5))
  service.signal("SIGTERM")
  await waitUntil(
    async () => (await service.get("/health/ready")).status === 503,
    "the service to be stopping",
  )
  expect(await service.get("/health")).toMatchObject({ status: 503, body: { status: "stopping" } })
  expect((await service.get("/health/live")).status).toBe(200)
  await service.publish({ name: "late" })
  await waitUntil(
    () =>
      fetch(service.url).then(
        () => false,
        () => true,
      ),
    "no more connections to be taken",
  )
  publisher.send(body.slice(5))
  expect(await publisher.head()).toStartWith("HTTP/1.1 201")
  expect(await service.exited()).toBe(0)
})

test("a paused queue degrades the health and is named, in the table of queues too, until it is resumed", async () => {
  await using folder = new ServiceFolder()
  folder.write("handlers/voice.ts", 'export default { queue: "voice_events", on: { "*": () => {} } }')
  const service = await folder.start()
  const run = (...args: readonly string[]) => runCommand([BINARY, ...args, "--url", service.url], folder.path)
  await run("queues", "pause", "voice_events")
  expect(await service.get("/health/ready")).toMatchObject({
    status: 200,
    body: {
      status: "degraded",
      checks: {
        consumers: {
          status: "degraded",
          detail: expect.stringContaining("paused on this instance: voice_events"),
        },
      },
    },
  })
  expect((await run("health")).stdout).toContain("paused on this instance: voice_events")
  expect((await run("queues")).stdout).toMatch(/^voice_events .* paused$/m)
  await run("queues", "resume", "voice_events")
  await waitUntil(
    async () => ((await service.get("/health")).body as { readonly status: string }).status === "ready",
    "the queue to be handled again",
  )
})

test("on the embedded engine the health counts an event right after its publish", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/audit.ts",
    'export default { queue: "audit", bind: ["events.#"], on: { "*": () => {} } }',
  )
  await (await folder.start()).stop()
  folder.remove("handlers/audit.ts")
  const service = await folder.start()
  for (const count of [1, 2, 3]) {
    await service.publish({ name: "waits" })
    expect((await service.get("/health")).body).toMatchObject({
      checks: { queues: { detail: expect.stringContaining(`audit is orphaned (${count} of `) } },
    })
  }
})
