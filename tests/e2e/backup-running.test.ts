import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { runCommand } from "../support/run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const BACKUPS = 5
const CLIENTS = 16
const EVENTS_BETWEEN = 300

/** The ids of the events in a copy. */
function idsIn(file: string): ReadonlySet<string> {
  using copy = new Database(file, { readonly: true })
  const rows = copy.query<{ body: string }, []>("SELECT body FROM events").all()
  return new Set(rows.map(({ body }) => JSON.parse(body).id))
}

/** Publishes until the service is gone or told to stop; adds each id that was answered 201. */
async function publishAlways(
  service: RunningService,
  answered: Set<string>,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    try {
      answered.add(await service.publish({ name: "counted", payload: { text: "x".repeat(500) } }))
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("answered")) throw error
      return
    }
  }
}

test("a store is copied while its service takes and handles events, and no event is lost", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/counted.mjs",
    `export default { queue: "custom_events", on: { async counted(event) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      ${folder.journal("event.id")}
    } } }`,
  )
  const service = await folder.start({ WORKER_POOL_SIZE: "1" })
  const answered = new Set<string>()
  let isOver = false
  const clients = Array.from({ length: CLIENTS }, () => publishAlways(service, answered, () => isOver))
  for (let i = 0; i < BACKUPS; i++) {
    const reached = answered.size + EVENTS_BETWEEN
    await waitUntil(() => answered.size >= reached, "events to be stored")
    const before = new Set(answered)
    const { code, stderr } = await runCommand([BINARY, "store", "backup", `copy-${i}.db`], folder.path)
    expect([code, stderr]).toEqual([0, ""])
    const known = idsIn(join(folder.path, `copy-${i}.db`)).union(new Set(folder.journalLines()))
    expect(before.difference(known).size).toBe(0)
    expect((await service.get("/health/ready")).status).toBe(200)
  }
  // The service still uses the log from which the copy was read: events that are only there survive a kill.
  await service.kill()
  isOver = true
  await Promise.all(clients)
  const again = await folder.start()
  const unhandled = () => answered.difference(new Set(folder.journalLines()))
  await waitUntil(() => unhandled().size === 0, "everything that was answered 201 to be handled")
  expect(await again.stop()).toBe(0)
}, 120_000)

/** A folder whose handler opens and closes a file of the store, so that the process loses its locks on it. */
function folderWithReader(file: string): ServiceFolder {
  const folder = new ServiceFolder()
  folder.write(
    "handlers/read.mjs",
    `import { readFileSync } from "node:fs"
    export default { queue: "custom_events", on: { read(event) {
      readFileSync("data/${file}")
      ${folder.journal("event.id")}
    } } }`,
  )
  return folder
}

async function publishAndHandle(folder: ServiceFolder, service: RunningService): Promise<string> {
  const id = await service.publish({ name: "read" })
  await waitUntil(() => folder.journalLines().includes(id), "the event to be handled")
  return id
}

test("a copy is refused once a handler has opened the index of the store's log, and the service continues", async () => {
  await using folder = folderWithReader("event-broker.db-shm")
  const service = await folder.start()
  await publishAndHandle(folder, service)
  const refused = await runCommand([BINARY, "store", "backup", "copy.db"], folder.path)
  expect(refused).toMatchObject({ code: 1, stdout: "" })
  expect(refused.stderr).toContain("stop the service first, or restart it")
  expect(readdirSync(folder.path).filter((name) => name.startsWith("copy"))).toEqual([])
  await publishAndHandle(folder, service)
  expect(await service.stop()).toBe(0)

  const again = await folder.start()
  expect(await runCommand([BINARY, "store", "backup", "copy.db"], folder.path)).toMatchObject({ code: 0 })
  await publishAndHandle(folder, again)
  expect(await again.stop()).toBe(0)
}, 60_000)

test("a copy leaves the log to the service, although a handler has opened and closed the store's file", async () => {
  await using folder = folderWithReader("event-broker.db")
  const service = await folder.start()
  await publishAndHandle(folder, service)
  const kept = await service.publish({ type: "user", name: "kept" })
  expect(await runCommand([BINARY, "store", "backup", "copy.db"], folder.path)).toMatchObject({ code: 0 })
  expect(idsIn(join(folder.path, "copy.db"))).toContain(kept)
  const later = await service.publish({ type: "user", name: "later" })
  await publishAndHandle(folder, service)
  await service.kill()
  expect(await runCommand([BINARY, "store", "backup", "after.db"], folder.path)).toMatchObject({ code: 0 })
  const stored = idsIn(join(folder.path, "after.db"))
  expect([kept, later].filter((id) => !stored.has(id))).toEqual([])
}, 60_000)
