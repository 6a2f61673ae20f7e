import { expect, test } from "bun:test"
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ModuleWatch } from "../../src/handlers/module-watch.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"
import { waitUntil } from "../support/wait-until.ts"

/** Long before the test, in seconds since the epoch. */
const LONG_AGO = 1_000_000_000

/** How long each turn of a busy event loop takes, in milliseconds. */
const BUSY_MS = 1_000

function watching(dir: string) {
  const watch = new ModuleWatch(dir)
  let changes = 0
  const running = watch.run(async () => void changes++)
  return {
    watch,
    changes: () => changes,
    async [Symbol.asyncDispose]() {
      watch.stop()
      await running
    },
  }
}

test("looks that were slow, because the machine was busy, put off the next one by no more than they took", async () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "voice.ts")
  writeFileSync(file, "1")
  await using watched = watching(folder.path)
  for (let turn = 0; turn < 4; turn++) {
    Bun.sleepSync(BUSY_MS)
    await Bun.sleep(0)
  }
  await watched.watch.ready()
  writeFileSync(file, "22")
  await waitUntil(() => watched.changes() > 0, "the change to be noticed")
})

test("a file that changed while the modules that import it were read counts as changed", async () => {
  using folder = temporaryFolder()
  const dir = join(folder.path, "handlers")
  mkdirSync(dir)
  const imported = join(folder.path, "imported.ts")
  await using watched = watching(dir)
  await watched.watch.ready()
  const readSince = Date.now()
  writeFileSync(imported, "2")
  await watched.watch.follow([imported], readSince)
  await waitUntil(() => watched.changes() === 1, "the change to be noticed")
})

test("a file that was there before the modules were read is no change, and its next one is", async () => {
  using folder = temporaryFolder()
  const dir = join(folder.path, "handlers")
  mkdirSync(dir)
  const imported = join(folder.path, "imported.ts")
  writeFileSync(imported, "1")
  await using watched = watching(dir)
  await watched.watch.follow([imported], Date.now() + 60_000)
  writeFileSync(imported, "22")
  await waitUntil(() => watched.changes() === 1, "the change to be noticed")
  expect(watched.changes()).toBe(1)
})

test("a link that is swapped while the callback runs is noticed after it", async () => {
  using folder = temporaryFolder()
  const at = (name: string): string => join(folder.path, name)
  /** A ConfigMap: the link of a file leads through a link that is swapped, and the folder before is removed. */
  const put = (version: number): void => {
    mkdirSync(at(`..v${version}`))
    writeFileSync(at(`..v${version}/voice.ts`), String(version))
    utimesSync(at(`..v${version}/voice.ts`), LONG_AGO, LONG_AGO)
    symlinkSync(`..v${version}`, at("..new"))
    renameSync(at("..new"), at("..data"))
    if (version > 1) rmSync(at(`..v${version - 1}`), { recursive: true })
  }
  put(1)
  symlinkSync("..data/voice.ts", at("voice.ts"))
  const watch = new ModuleWatch(folder.path)
  await watch.ready()
  let changes = 0
  const running = watch.run(async () => {
    changes++
    if (changes < 3) put(changes + 2)
  })
  put(2)
  await waitUntil(() => changes === 3, "all swaps to be noticed")
  watch.stop()
  await running
})
