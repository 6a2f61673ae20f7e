import { expect, test } from "bun:test"
import { blame } from "../../src/runtime/blame.ts"
import { Job } from "../../src/runtime/job.ts"
import { jobRequest } from "../support/job-request.ts"

function job(id: number, state: Job["state"]): Job {
  const made = new Job(id, jobRequest(), () => {})
  made.state = state
  return made
}

const idsOf = (jobs: readonly Job[]): readonly number[] => jobs.map(({ id }) => id)

test("the only job that had started is guilty, and jobs that had not are innocent", () => {
  const { guilty, suspects, innocent } = blame([job(1, "sent"), job(2, "started"), job(3, "sent")])
  expect(guilty?.id).toBe(2)
  expect(suspects).toEqual([])
  expect(idsOf(innocent)).toEqual([1, 3])
})

test("if several jobs had started, each is a suspect and none is guilty", () => {
  const { guilty, suspects, innocent } = blame([job(1, "started"), job(2, "sent"), job(3, "started")])
  expect(guilty).toBeUndefined()
  expect(idsOf(suspects)).toEqual([1, 3])
  expect(idsOf(innocent)).toEqual([2])
})

test("a job over its timeout counts as started", () => {
  expect(blame([job(1, "overdue"), job(2, "sent")]).guilty?.id).toBe(1)
  expect(blame([job(1, "abort-seen"), job(2, "sent")]).guilty?.id).toBe(1)
})

test("if no job is known to have started, each is a suspect", () => {
  const { guilty, suspects, innocent } = blame([job(1, "sent"), job(2, "sent")])
  expect(guilty).toBeUndefined()
  expect(idsOf(suspects)).toEqual([1, 2])
  expect(innocent).toEqual([])
})

test("a worker's only job is guilty, even if it is not known to have started", () => {
  expect(blame([job(1, "sent")]).guilty?.id).toBe(1)
})

test("a worker without jobs has no guilty job and no suspects", () => {
  expect(blame([])).toEqual({ guilty: undefined, suspects: [], innocent: [] })
})
