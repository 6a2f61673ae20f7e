import { expect, test } from "bun:test"
import { Job } from "../../src/runtime/job.ts"
import { JobQueue } from "../../src/runtime/job-queue.ts"
import { jobRequest } from "../support/job-request.ts"

const job = (id: number, priority = 4): Job => new Job(id, jobRequest({ priority }), () => {})

function drain(queue: JobQueue): readonly number[] {
  const ids: number[] = []
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) ids.push(next.id)
  return ids
}

test("an empty queue has nothing to give", () => {
  const queue = new JobQueue()
  expect(queue.shift()).toBeUndefined()
  expect(queue.size).toBe(0)
})

test("jobs of one priority leave as they came", () => {
  const queue = new JobQueue()
  for (const id of [1, 2, 3]) queue.push(job(id))
  expect(drain(queue)).toEqual([1, 2, 3])
})

test("the highest priority leaves first, in whatever order they came", () => {
  const queue = new JobQueue()
  for (const [id, priority] of [
    [1, 4],
    [2, 9],
    [3, 1],
    [4, 9],
    [5, 4],
  ] as const)
    queue.push(job(id, priority))
  expect(drain(queue)).toEqual([2, 4, 1, 5, 3])
})

test("a job that is put back is in front of its equals, and behind higher ones", () => {
  const queue = new JobQueue()
  queue.push(job(1))
  queue.push(job(2))
  queue.push(job(3, 9))
  queue.putBack(job(4))
  expect(drain(queue)).toEqual([3, 4, 1, 2])
})

test("the size is how many wait", () => {
  const queue = new JobQueue()
  queue.push(job(1))
  queue.putBack(job(2, 9))
  expect(queue.size).toBe(2)
  queue.shift()
  expect(queue.size).toBe(1)
  drain(queue)
  expect(queue.size).toBe(0)
})
