import { expect, test } from "bun:test"
import { readStoreMark, StoreMark } from "../../../src/engine/embedded/store/store-mark.ts"
import { smallDisk } from "../../support/small-disk.ts"

const STORE_ID = "0123456789abcdef"

test("a mark that a full disk does not accept is written with a later turn, when there is room", () => {
  using disk = smallDisk()
  disk.fill()
  using mark = new StoreMark(disk.path, STORE_ID)
  mark.set(1)
  expect(readStoreMark(disk.path)).toBeNull()
  disk.free()
  mark.set(2)
  expect(readStoreMark(disk.path)).toEqual({ storeId: STORE_ID, turn: 2 })
})
