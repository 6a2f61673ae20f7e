import { expect, test } from "bun:test"
import { join } from "node:path"
import { historyBytes } from "../../src/app/history-room.ts"
import { LoopDisk } from "../support/loop-disk.ts"

const MEBIBYTE = 1_048_576
const CONFIG = { HISTORY: "on", HISTORY_MAX_BYTES: 1_024 * MEBIBYTE } as const

test("a history takes at most an eighth of its volume, also before its folder exists", () => {
  using disk = LoopDisk.make({ sizeMiB: 256 })
  const DATA_DIR = join(disk.path, "not/yet")
  const bytes = historyBytes({ ...CONFIG, DATA_DIR }) ?? 0
  expect(bytes).toBeGreaterThan(16 * MEBIBYTE)
  expect(bytes).toBeLessThanOrEqual(32 * MEBIBYTE)
  expect(bytes % MEBIBYTE).toBe(0)
  const HISTORY_MAX_BYTES = 20 * MEBIBYTE
  expect(historyBytes({ ...CONFIG, DATA_DIR, HISTORY_MAX_BYTES })).toBe(HISTORY_MAX_BYTES)
  expect(historyBytes({ ...CONFIG, DATA_DIR, HISTORY: "off" })).toBeNull()
})

test("a small volume has no history", () => {
  using disk = LoopDisk.make({ sizeMiB: 64 })
  expect(historyBytes({ ...CONFIG, DATA_DIR: disk.path })).toBeNull()
})
