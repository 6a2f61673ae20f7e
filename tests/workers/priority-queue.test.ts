import { expect, test } from "bun:test"
import { PriorityQueue } from "../../src/workers/priority-queue.ts"

const MEDIUM = 4
const CRITICAL = 9

function drain(queue: PriorityQueue<number>): readonly number[] {
  const items: number[] = []
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) items.push(next)
  return items
}

test("an empty queue gives nothing", () => {
  const queue = new PriorityQueue<number>()
  expect(queue.shift()).toBeUndefined()
  expect(queue.size).toBe(0)
})

test("items of one priority leave in arrival order", () => {
  const queue = new PriorityQueue<number>()
  for (const item of [1, 2, 3]) queue.push(item, MEDIUM)
  expect(drain(queue)).toEqual([1, 2, 3])
})

test("the highest priority leaves first, in any order of arrival", () => {
  const queue = new PriorityQueue<number>()
  for (const [item, priority] of [
    [1, 4],
    [2, 9],
    [3, 1],
    [4, 9],
    [5, 4],
  ] as const)
    queue.push(item, priority)
  expect(drain(queue)).toEqual([2, 4, 1, 5, 3])
})

test("an item that is put back is before its equals, and behind higher priorities", () => {
  const queue = new PriorityQueue<number>()
  queue.push(1, MEDIUM)
  queue.push(2, MEDIUM)
  queue.push(3, CRITICAL)
  queue.putBack(4, MEDIUM)
  expect(drain(queue)).toEqual([3, 4, 1, 2])
})

test("the size is the number of waiting items", () => {
  const queue = new PriorityQueue<number>()
  queue.push(1, MEDIUM)
  queue.putBack(2, CRITICAL)
  expect(queue.size).toBe(2)
  queue.shift()
  expect(queue.size).toBe(1)
  drain(queue)
  expect(queue.size).toBe(0)
})
