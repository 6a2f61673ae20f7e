import { expect, test } from "bun:test"
import { chmodSync, chownSync, copyFileSync, existsSync, renameSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { FROM_BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"
import { wholeHistory } from "../support/whole-history.ts"

const DATABASE = "data/history.db"
const FILES = [DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`]

/** A user without the superuser's right to write every file. */
const NOBODY = 65_534

const isSuperuser = process.getuid?.() === 0

async function idsIn(service: RunningService): Promise<readonly string[]> {
  try {
    return (await wholeHistory(service)).map(({ id }) => id)
  } catch {
    // The history opens its file again.
    return []
  }
}

async function healthOf(service: RunningService): Promise<string> {
  const response = await fetch(`${service.url}/health`)
  return JSON.stringify(Object(await response.json()).checks.history)
}

async function publishUntilKnown(service: RunningService): Promise<readonly string[]> {
  const id = await service.publish({ name: "tested" })
  let known: readonly string[] = []
  await waitUntil(async () => {
    known = await idsIn(service)
    return known.includes(id)
  }, "the history to know the event")
  return known
}

const incompleteOf = async (service: RunningService): Promise<unknown> =>
  Object(await (await fetch(`${service.url}/api/v1/events`)).json()).incomplete

const errorsOf = (service: RunningService): readonly string[] =>
  service.log.flatMap(({ level, msg }) => (level === "error" ? [msg] : []))

test.each([
  ["the file alone", [DATABASE]],
  ["the file with its log", FILES],
  ["all that begins with its name", [...FILES, `${DATABASE}.lock`]],
])("a history that is deleted while the service runs is begun again, and told once: %s", async (_, names) => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  await publishUntilKnown(service)
  expect(await healthOf(service)).toBe('{"status":"up"}')
  for (const name of names) rmSync(join(folder.path, name))
  expect(await publishUntilKnown(service)).toHaveLength(1)
  expect(await healthOf(service)).toContain("deleted or replaced while the service ran")
  expect(errorsOf(service)).toEqual([
    expect.stringMatching(/history\.db.* deleted or replaced while the service ran; stop the service before/),
  ])
  await service.stop()
  const again = await folder.start()
  expect(await publishUntilKnown(again)).toHaveLength(2)
  expect(await healthOf(again)).toContain("what happened before")
})

test("a history is whole after a start, with and without events before", async () => {
  await using folder = new ServiceFolder()
  for (const count of [0, 0, 1, 3, 0]) {
    const service = await folder.start()
    await waitUntil(async () => (await healthOf(service)) === '{"status":"up"}', "the history to be read")
    expect(await incompleteOf(service)).toBeNull()
    for (let published = 0; published < count; published++) await publishUntilKnown(service)
    await service.stop()
  }
})

test("a time without a history in which nothing happened is not told", async () => {
  await using folder = new ServiceFolder()
  const first = await folder.start()
  await publishUntilKnown(first)
  await first.stop()
  await (await folder.start({ HISTORY: "off" })).stop()
  const service = await folder.start()
  await publishUntilKnown(service)
  expect(await incompleteOf(service)).toBeNull()
})

test("a history that was deleted before a time without one lacks what was before it", async () => {
  await using folder = new ServiceFolder()
  const first = await folder.start()
  for (let count = 0; count < 3; count++) await publishUntilKnown(first)
  await first.stop()
  for (const name of FILES) rmSync(join(folder.path, name), { force: true })
  const off = await folder.start({ HISTORY: "off" })
  await off.publish({ name: "tested" })
  await off.stop()
  const service = await folder.start()
  await publishUntilKnown(service)
  expect(await incompleteOf(service)).toContain("what happened before")
})

test.each([
  ["was deleted while the service was stopped", "its file was begun then", {}],
  ["lacks what happened while it was off", "no history was kept", { HISTORY: "off" }],
])("a history that %s says so", async (_, reason, between) => {
  await using folder = new ServiceFolder()
  const first = await folder.start()
  for (let count = 0; count < 3; count++) await publishUntilKnown(first)
  expect(await incompleteOf(first)).toBeNull()
  await first.stop()
  const off = await folder.start(between)
  await off.publish({ name: "tested" })
  await off.stop()
  if (!("HISTORY" in between)) rmSync(join(folder.path, DATABASE))
  const service = await folder.start()
  await publishUntilKnown(service)
  expect(await incompleteOf(service)).toContain(reason)
  await service.stop()
  const again = await folder.start()
  await waitUntil(async () => String(await incompleteOf(again)).includes(reason), "it to say so again")
})

test("a history whose log is deleted while the service runs keeps what it has", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start()
  await publishUntilKnown(service)
  for (const name of FILES.slice(1)) rmSync(join(folder.path, name))
  expect(await publishUntilKnown(service)).toHaveLength(2)
  expect(await healthOf(service)).toBe('{"status":"up"}')
  await service.kill()
  expect(await publishUntilKnown(await folder.start())).toHaveLength(3)
})

test("a history that is replaced while the service runs is used as it is", async () => {
  await using folder = new ServiceFolder()
  const first = await folder.start()
  await publishUntilKnown(first)
  await first.stop()
  copyFileSync(join(folder.path, DATABASE), join(folder.path, "copy.db"))
  const service = await folder.start()
  expect(await publishUntilKnown(service)).toHaveLength(2)
  renameSync(join(folder.path, "copy.db"), join(folder.path, DATABASE))
  expect(await publishUntilKnown(service)).toHaveLength(2)
})

test("a history that was made read-only works again once it is writable", async () => {
  const drop = ["setpriv", `--reuid=${NOBODY}`, "--clear-groups"]
  await using folder = new ServiceFolder([...(isSuperuser ? drop : []), ...FROM_BINARY])
  if (isSuperuser) chownSync(folder.path, NOBODY, -1)
  const first = await folder.start()
  await publishUntilKnown(first)
  await first.stop()
  chmodSync(join(folder.path, DATABASE), 0o400)
  const service = await folder.start()
  const index = join(folder.path, `${DATABASE}-shm`)
  await waitUntil(() => existsSync(index) && (statSync(index).mode & 0o200) === 0, "a read-only index")
  await waitUntil(
    async () => (await healthOf(service)).includes("degraded"),
    "the history to say that it can't be used",
  )
  chmodSync(join(folder.path, DATABASE), 0o600)
  expect(await publishUntilKnown(service)).toHaveLength(2)
  expect(await healthOf(service)).toBe('{"status":"up"}')
})
