import { expect, test } from "bun:test"
import { RecentBatches } from "../../../src/engine/embedded/store/recent-batches.ts"

const batch = (seq: number, length = 10) => ({
  seq,
  token: `t-${seq}`,
  position: `t-${seq}`,
  text: "x".repeat(length),
})

test("batches are taken in order, once, and only if none is missing before them", () => {
  const recent = new RecentBatches()
  for (const seq of [3, 4, 5]) recent.add(batch(seq))
  expect(recent.takeAfter(1, 5)).toEqual([])
  expect(recent.takeAfter(2, 4).map(({ seq }) => seq)).toEqual([3, 4])
  expect(recent.takeAfter(4, 4)).toEqual([])
  expect(recent.takeAfter(4, 5).map(({ seq }) => seq)).toEqual([5])
  expect(recent.takeAfter(5, 6)).toEqual([])
})

test("a follower that is far behind finds none, so memory stays bounded", () => {
  const recent = new RecentBatches()
  for (let seq = 1; seq <= 12; seq++) recent.add(batch(seq, 1_000_000))
  expect(recent.takeAfter(0, 12)).toEqual([])
  expect(recent.takeAfter(10, 12).map(({ seq }) => seq)).toEqual([11, 12])
})
