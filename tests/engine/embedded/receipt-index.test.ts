import { expect, test } from "bun:test"
import { ReceiptIndex } from "../../../src/engine/embedded/store/receipt-index.ts"

/** An index in which hashes with the same first letter have the same number, and the hashes of its rows. */
function indexOf(...hashes: readonly string[]) {
  const index = new ReceiptIndex((hash) => hash.charCodeAt(0))
  const add = (hash: string): void => {
    const row = rows.push(hash) - 1
    index.add(hash, row, (other) => rows[other] === hash)
  }
  const rows: string[] = []
  for (const hash of hashes) add(hash)
  return { index, add }
}

test("hashes with the same number are told apart", () => {
  const { index } = indexOf("a1", "a2", "b1", "a3")
  expect(["a1", "a2", "b1", "a3"].map((hash) => index.find(hash))).toEqual([0, 1, 2, 3])
})

test("the last row of a hash is found, and an earlier one can be deleted", () => {
  const { index, add } = indexOf("a1", "a2", "a1", "a2")
  expect([index.find("a1"), index.find("a2")]).toEqual([2, 3])
  index.delete("a1", 0)
  index.delete("a2", 1)
  expect([index.find("a1"), index.find("a2")]).toEqual([2, 3])
  index.delete("a1", 2)
  add("a2")
  expect(index.find("a2")).toBe(4)
  index.delete("a2", 4)
  expect(index.isEmpty).toBe(true)
})

test("rows that are read again find the last row of each hash", () => {
  const index = new ReceiptIndex()
  const add = (hash: string, row: number) => index.add(hash, row, () => false)
  add("a", 1)
  add("a", 2)
  add("a", 3)
  expect(index.find("a")).toBe(3)
  index.add("a", 4, () => true)
  expect(index.find("a")).toBe(4)
})
