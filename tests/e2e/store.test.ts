import { expect, test } from "bun:test"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { LoopDisk } from "../support/loop-disk.ts"
import { type CommandResult, runCommand } from "../support/run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { fillWith } from "../support/small-disk.ts"
import { waitUntil } from "../support/wait-until.ts"

const EVENTS = 300
const AT_ONCE = 20
const TIMEOUT_MS = 60_000
const MEBIBYTE = 1_048_576

const store = (folder: ServiceFolder, args: readonly string[], environment = {}): Promise<CommandResult> =>
  runCommand([BINARY, "store", ...args], folder.path, environment)

async function publishMany(service: RunningService): Promise<readonly string[]> {
  const ids: string[] = []
  const draft = { name: "kept", payload: { text: "x".repeat(20_000) } }
  while (ids.length < EVENTS) {
    ids.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => service.publish(draft)))))
  }
  return ids
}

/** Handles every event of the queue that the tests publish to. */
function writeHandler(folder: ServiceFolder): void {
  folder.write(
    "handlers/kept.mjs",
    `export default { queue: "custom_events", on: { kept(event) { ${folder.journal("event.id")} } } }`,
  )
}

test(
  "a backup of a store that no service has is opened by one, with every event",
  async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const ids = await publishMany(service)
    // Killed, so the stored events are in the log. They must be in the copy.
    await service.kill()
    mkdirSync(join(folder.path, "copies"))
    const { code, stdout, stderr } = await store(folder, ["backup", "copies"])
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toMatch(/^300 events of 5 queues, \d+\.\d MiB, copied to copies\/event-broker\.db\n$/)
    expect(readdirSync(join(folder.path, "copies"))).toEqual(["event-broker.db"])
    expect(statSync(join(folder.path, "copies", "event-broker.db")).mode & 0o777).toBe(0o600)
    writeHandler(folder)
    const restored = await folder.start({ DATA_DIR: "copies" })
    await waitUntil(() => folder.journalLines().length >= EVENTS, "the events of the copy to be handled")
    expect(new Set(folder.journalLines())).toEqual(new Set(ids))
    await restored.stop()
    const original = await folder.start()
    await waitUntil(() => folder.journalLines().length >= 2 * EVENTS, "the events of the store to be handled")
    expect(await original.stop()).toBe(0)
  },
  TIMEOUT_MS,
)

test(
  "a backup takes the place of nothing, and needs a store",
  async () => {
    await using folder = new ServiceFolder()
    expect(await store(folder, ["backup", "copy"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is no store in DATA_DIR"),
    })
    await (await folder.start()).stop()
    folder.write("copy", "of something else")
    expect(await store(folder, ["backup", "copy"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("copy already exists"),
    })
    expect(readFileSync(join(folder.path, "copy"), "utf8")).toBe("of something else")
    expect(await store(folder, ["backup", "missing/copy"])).toMatchObject({
      code: 2,
      stderr: `event-broker: the folder ${join(folder.path, "missing")} for the copy does not exist: create it, or choose another one\n`,
    })
    const { stdout } = await store(folder, ["backup", "other", "--json"])
    expect(JSON.parse(stdout)).toMatchObject({ file: "other", events: 0, queues: 5 })
  },
  TIMEOUT_MS,
)

test(
  "a backup that its disk has no room for leaves nothing",
  async () => {
    using disk = LoopDisk.make({ sizeMiB: 8 })
    await using folder = new ServiceFolder()
    const service = await folder.start()
    await publishMany(service)
    await service.stop()
    fillWith(join(disk.path, "filler"))
    truncateSync(join(disk.path, "filler"), 3 * MEBIBYTE)
    const copies = join(disk.path, "copies")
    mkdirSync(copies)
    const { code, stderr } = await store(folder, ["backup", copies])
    expect([code, stderr]).toEqual([1, expect.stringContaining("the disk is full")])
    expect(readdirSync(copies)).toEqual([])
  },
  TIMEOUT_MS,
)

test(
  "a compaction is refused while a service has the store, and shrinks it once that has stopped",
  async () => {
    await using folder = new ServiceFolder()
    const publishing = await folder.start()
    await publishMany(publishing)
    await publishing.stop()
    writeHandler(folder)
    const service = await folder.start()
    await waitUntil(() => folder.journalLines().length === EVENTS, "the events to be handled")
    const refused = await store(folder, ["compact"])
    expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("stop it first") })
    await service.stop()
    const { code, stdout, stderr } = await store(folder, ["compact"])
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toMatch(/^\d+\.\d MiB before, 0\.\d MiB after\n$/)
    const { bytes_after } = JSON.parse((await store(folder, ["compact", "--json"])).stdout)
    expect(statSync(join(folder.path, "data", "event-broker.db"))).toMatchObject({ size: bytes_after })
    expect(await (await folder.start()).stop()).toBe(0)
  },
  TIMEOUT_MS,
)

test(
  "a compaction without the room for a second store changes nothing, and says what it needs",
  async () => {
    using disk = LoopDisk.make({ sizeMiB: 16 })
    await using folder = new ServiceFolder()
    const environment = { DATA_DIR: disk.path }
    const service = await folder.start(environment)
    await publishMany(service)
    await service.stop()
    writeFileSync(join(disk.path, "filler"), Buffer.alloc(4 * MEBIBYTE))
    const before = readFileSync(join(disk.path, "event-broker.db"))
    const { code, stderr } = await store(folder, ["compact"], environment)
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/needs \d\.\d MiB of free space .* only \d\.\d MiB/),
    ])
    expect(readFileSync(join(disk.path, "event-broker.db")).equals(before)).toBe(true)
    const again = await folder.start(environment)
    expect((await again.get("/api/v1/events/stats")).status).toBe(200)
    await again.stop()
  },
  TIMEOUT_MS,
)

test(
  "a compaction that is killed in the middle loses nothing, and the next one ends",
  async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start()
    const ids = await publishMany(service)
    await service.stop()
    const child = Bun.spawn([BINARY, "store", "compact"], { cwd: folder.path, stdout: "ignore" })
    const copy = join(folder.path, "data", "event-broker.db.compact")
    await waitUntil(() => existsSync(copy) || child.exitCode !== null, "the compaction to begin")
    child.kill("SIGKILL")
    await child.exited
    expect(await store(folder, ["compact"])).toMatchObject({ code: 0, stderr: "" })
    expect(existsSync(copy)).toBe(false)
    writeHandler(folder)
    const again = await folder.start()
    await waitUntil(() => folder.journalLines().length === EVENTS, "the events to be handled")
    expect(new Set(folder.journalLines())).toEqual(new Set(ids))
    expect(await again.stop()).toBe(0)
  },
  TIMEOUT_MS,
)
