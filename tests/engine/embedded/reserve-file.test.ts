import { expect, test } from "bun:test"
import { statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ReserveFile } from "../../../src/engine/embedded/store/reserve-file.ts"
import { RESERVE_FILE } from "../../../src/engine/embedded/store/store-files.ts"
import { temporaryFolder } from "../../support/temporary-folder.ts"
import { waitUntil } from "../../support/wait-until.ts"

const BYTES = 3_000_000

function openReserve(folder: string, notices: string[] = []): ReserveFile {
  return new ReserveFile(folder, (_level, message) => notices.push(message))
}

test("the reserve is allocated space, private, and released at once", async () => {
  using folder = temporaryFolder()
  const reserve = openReserve(folder.path)
  expect(reserve.missing(BYTES)).toBe(BYTES)
  expect(reserve.release()).toBe(false)
  reserve.fill(BYTES)
  await waitUntil(() => reserve.missing(BYTES) === 0, "the reserve to be taken")
  await reserve.close()
  expect(statSync(join(folder.path, RESERVE_FILE)).mode & 0o777).toBe(0o600)
  expect(reserve.release()).toBe(true)
  expect(reserve.missing(BYTES)).toBe(BYTES)
})

test("a reserve that became sparse in a copy of the folder counts as missing, and is filled again", async () => {
  using folder = temporaryFolder()
  const file = join(folder.path, RESERVE_FILE)
  writeFileSync(file, "")
  truncateSync(file, BYTES)
  const reserve = openReserve(folder.path)
  expect(reserve.missing(BYTES)).toBe(BYTES)
  reserve.fill(BYTES)
  await waitUntil(() => reserve.missing(BYTES) === 0, "the reserve to be taken")
  await reserve.close()
})

test("a reserve that is released while it is being filled stays empty", async () => {
  using folder = temporaryFolder()
  const reserve = openReserve(folder.path)
  reserve.fill(64 * BYTES)
  await waitUntil(() => reserve.release(), "the first bytes to be there")
  await reserve.close()
  expect(reserve.missing(BYTES)).toBe(BYTES)
})

test("a reserve that can't be filled is logged once, not with every check", async () => {
  using folder = temporaryFolder()
  const notices: string[] = []
  const reserve = openReserve(join(folder.path, "gone"), notices)
  reserve.fill(BYTES)
  await waitUntil(() => notices.length > 0, "the notice")
  reserve.fill(BYTES)
  await reserve.close()
  expect(notices).toEqual([expect.stringContaining("can't reserve disk space")])
})
