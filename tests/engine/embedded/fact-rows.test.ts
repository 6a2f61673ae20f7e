import { expect, test } from "bun:test"
import { FactRows } from "../../../src/engine/embedded/store/fact-rows.ts"

const row = (seq: number, length = 100) => ({ seq, batches: 1, length, lastEvent: seq * 257, held: [seq] })

test("few batches are kept one by one, and any number of them in little memory", () => {
  const rows = new FactRows()
  for (let seq = 1; seq <= 900; seq++) rows.add(row(seq))
  expect(rows.all).toHaveLength(900)
  for (let seq = 901; seq <= 1_000_000; seq++) rows.add(row(seq))
  expect(rows.all.length).toBeLessThan(2_000)
  expect(rows).toMatchObject({ length: 100_000_000, newest: 1_000_000 })
  expect(rows.all.reduce((sum, { batches }) => sum + batches, 0)).toBe(1_000_000)
  expect(rows.all.flatMap(({ held }) => held)).toHaveLength(1_000_000)
  const last = rows.all.at(-1)
  expect(last?.lastEvent).toBe(257_000_000)
  rows.drop(rows.all.length - 1)
  expect(rows.length).toBe(last?.length ?? 0)
})

test("long batches are never brought together", () => {
  const rows = new FactRows()
  for (let seq = 1; seq <= 1_100; seq++) rows.add(row(seq, 200_000))
  expect(rows.all).toHaveLength(1_100)
})
