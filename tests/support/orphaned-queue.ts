import { expect } from "bun:test"
import { runCommand } from "./run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "./running-service.ts"
import { waitUntil } from "./wait-until.ts"

const LIMIT = 10
const AUDIT = "/api/v1/queues/audit"
const TYPES = ["voice", "user", "system", "notification", "custom"]

/** More than a queue without an exact limit accepts beyond it. */
const PLENTY = 200

interface Health {
  readonly status: string
  readonly checks: { readonly queues: { readonly status: string; readonly detail?: string } }
}

type Environment = Readonly<Record<string, string>>

const healthOf = async (service: RunningService) => (await service.get("/health")).body as Health

/** Returns true if the health does not name the queue. It may name predefined queues that hold events. */
const isUnnamed = async (service: RunningService) =>
  !String((await healthOf(service)).checks.queues.detail).includes("audit")

const isReady = async (service: RunningService) => (await service.get("/health/ready")).status === 200

const publish = (service: RunningService, type: string) =>
  service.post("/api/v1/events", { type, name: "happened", payload: {} })

const queues = (folder: ServiceFolder, service: RunningService, ...args: string[]) =>
  runCommand([BINARY, "queues", ...args, "--url", service.url], folder.path)

/** Waits for a warning about the queue audit in the service's log. */
const warned = (service: RunningService, what: RegExp) =>
  waitUntil(
    () =>
      service.log.some(({ level, msg, queue }) => level === "warn" && queue === "audit" && what.test(msg)),
    `the log to warn of ${what}`,
  )

/** Starts a service whose module audit, bound to every event, existed and was removed. */
async function withoutModule(folder: ServiceFolder, environment: Environment): Promise<RunningService> {
  folder.write(
    "handlers/audit.ts",
    `export default { queue: "audit", bind: ["events.#"], on: { async "*"(event) { ${folder.journal("event.id")} } } }`,
  )
  const before = await folder.start(environment)
  await waitUntil(() => isReady(before), "the service to be ready")
  const id = await before.publish({ name: "happened" })
  await waitUntil(() => folder.journalLines().includes(id), "the module to handle an event")
  await before.stop()
  folder.remove("handlers/audit.ts")
  return folder.start(environment)
}

/** A module is removed; its queue fills up, stops every publish, is reported everywhere, and is deleted. */
export async function orphanedQueueFills(environment: Environment): Promise<void> {
  await using folder = new ServiceFolder()
  const settings = { QUEUE_MAX_LENGTH: String(LIMIT), WORKER_POOL_SIZE: "1", ...environment }
  const service = await withoutModule(folder, settings)
  await warned(service, /^queue orphaned: .*event-broker queues delete audit/)
  expect(await healthOf(service)).toMatchObject({
    status: "degraded",
    checks: { queues: { status: "degraded", detail: expect.stringContaining("audit is orphaned") } },
  })
  expect((await service.get("/health/ready")).status).toBe(200)
  expect((await service.get(AUDIT)).body).toMatchObject({ is_orphaned: true, has_module: false, waiting: 0 })

  // Each type has a queue of its own, so only audit fills up.
  let published = 0
  const next = () => publish(service, TYPES[published++ % TYPES.length] ?? "")
  while (published < LIMIT / 2) expect((await next()).status).toBe(201)
  await warned(service, /has reached 50 % of its limit/)
  while (published < (LIMIT * 4) / 5) expect((await next()).status).toBe(201)
  await warned(service, /has reached 80 % of its limit/)
  await waitUntil(async () => (await next()).status === 503 || published > PLENTY, "the queue to be full")
  await warned(service, /is full and refuses events/)
  for (const type of TYPES) {
    const refused = await publish(service, type)
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({
      type: "urn:event-broker:problem:queue-full",
      detail: expect.stringMatching(
        /audit is full.*nothing consumes audit.*event-broker queues delete audit --force/,
      ),
    })
  }
  expect((await healthOf(service)).checks.queues.detail).toContain("audit is full and orphaned")
  expect((await queues(folder, service)).stdout).toMatch(/^audit +\d+ .*orphaned$/m)

  expect(await queues(folder, service, "delete", "audit")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("has"),
  })
  const deleted = await queues(folder, service, "delete", "audit", "--force")
  expect(deleted).toMatchObject({ code: 0, stdout: expect.stringMatching(/^audit deleted, with \d+ events/) })
  for (const type of TYPES) expect((await publish(service, type)).status).toBe(201)
  expect((await publish(service, "custom")).status).toBe(201)
  const unroutable = { type: "custom", name: "x", routing_key: "events.other", payload: {} }
  expect((await service.post("/api/v1/events", unroutable)).status).toBe(422)
  expect((await service.get(AUDIT)).status).toBe(404)
  expect(await isUnnamed(service)).toBe(true)
  expect((await queues(folder, service, "delete", "audit", "--force")).code).toBe(1)

  expect(await service.stop()).toBe(0)
  const after = await folder.start(settings)
  await waitUntil(() => isReady(after), "the service to be ready again")
  expect((await publish(after, "custom")).status).toBe(201)
  expect(await isUnnamed(after)).toBe(true)
}

/** A module returns: its queue is no longer orphaned, and waiting events are handled. */
export async function orphanedQueueIsTakenUp(environment: Environment): Promise<void> {
  await using folder = new ServiceFolder()
  const settings = { WORKER_POOL_SIZE: "1", ...environment }
  const service = await withoutModule(folder, settings)
  await warned(service, /^queue orphaned/)
  const id = await service.publish({ name: "waits" })
  expect((await queues(folder, service, "unbind", "audit")).stdout).toBe("audit unbound from events.#\n")
  expect(await isUnnamed(service)).toBe(true)
  const missed = await service.publish({ name: "missed" })
  expect(await queues(folder, service, "delete", "voice_events", "--force")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("voice_events is predefined"),
  })
  await service.stop()
  folder.write(
    "handlers/audit.ts",
    `export default { queue: "audit", bind: ["events.#"], on: { async "*"(event) { ${folder.journal("event.id")} } } }`,
  )
  const after = await folder.start(settings)
  await waitUntil(() => folder.journalLines().includes(id), "the event that waited to be handled")
  await waitUntil(() => isUnnamed(after), "the queue to be consumed")
  const last = await after.publish({ name: "last" })
  await waitUntil(() => folder.journalLines().includes(last), "the queue to be bound again")
  expect(folder.journalLines()).not.toContain(missed)
  expect(await queues(folder, after, "delete", "audit", "--force")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("module of this instance names the queue audit"),
  })
}

/** A queue is purged with the command. */
export async function queueIsPurged(environment: Environment): Promise<void> {
  await using folder = new ServiceFolder()
  const service = await folder.start(environment)
  await waitUntil(() => isReady(service), "the service to be ready")
  for (let n = 0; n < 3; n++) await service.publish({ name: "waits" })
  expect((await queues(folder, service, "purge", "custom_events")).stdout).toBe(
    "3 events of custom_events deleted\n",
  )
  expect((await service.get("/api/v1/queues/custom_events")).body).toMatchObject({ waiting: 0 })
  expect((await queues(folder, service, "purge", "none")).code).toBe(1)
}
