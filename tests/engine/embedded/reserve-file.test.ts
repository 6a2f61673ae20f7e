import { expect, test } from "bun:test"
import { statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ReserveFile } from "../../../src/engine/embedded/reserve-file.ts"
import { RESERVE_FILE } from "../../../src/engine/embedded/store-files.ts"
import { temporaryFolder } from "../../support/temporary-folder.ts"
import { waitUntil } from "../../support/wait-until.ts"

const BYTES = 3_000_000

function openReserve(folder: string, notices: string[] = []): ReserveFile {
  return new ReserveFile(folder, (_level, message) => notices.push(message))
}

test("the reserve is room that is really taken, private, and given back at once", async () => {
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

test("a reserve that a copy of the folder has made a hole of counts as missing, and is taken anew", async () => {
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

test("a reserve that is released while it is taken is not taken", async () => {
  using folder = temporaryFolder()
  const reserve = openReserve(folder.path)
  reserve.fill(64 * BYTES)
  await waitUntil(() => reserve.release(), "the first bytes to be there")
  await reserve.close()
  expect(reserve.missing(BYTES)).toBe(BYTES)
})

test("a reserve that can't be taken is told of once, not with every look", async () => {
  using folder = temporaryFolder()
  const notices: string[] = []
  const reserve = openReserve(join(folder.path, "gone"), notices)
  reserve.fill(BYTES)
  await waitUntil(() => notices.length > 0, "the notice")
  reserve.fill(BYTES)
  await reserve.close()
  expect(notices).toEqual([expect.stringContaining("can't be taken")])
})
