import { expect, test } from "bun:test"
import { blame } from "../../src/workers/blame.ts"
import { Job } from "../../src/workers/job.ts"
import { jobRequest } from "../support/job-request.ts"

/** The states of a job that a worker has, in their order, with the transition to each. */
const TRANSITIONS = {
  sent: (job: Job) => job.sent(),
  started: (job: Job) => job.started(),
  overdue: (job: Job) => job.overdue(),
  "abort-seen": (job: Job) => job.abortSeen(),
}

function job(id: number, state: keyof typeof TRANSITIONS): Job {
  const made = new Job(id, jobRequest(), () => {})
  for (const [name, transition] of Object.entries(TRANSITIONS)) {
    transition(made)
    if (name === state) break
  }
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
