import { expect, test } from "bun:test"
import { blame, MAX_SPARED, MAX_SPARED_BY_OWN_CODE } from "../../src/workers/blame.ts"
import { Job } from "../../src/workers/job.ts"
import type { LastWords } from "../../src/workers/messages.ts"
import { jobRequest, moduleManifest } from "../support/job-request.ts"

/** The states of a job that a worker has, in their order, with the transition to each. */
const TRANSITIONS = {
  sent: (job: Job) => job.sent(),
  started: (job: Job) => job.started(),
  overdue: (job: Job) => job.overdue(),
  "abort-seen": (job: Job) => job.abortSeen(),
}

function job(id: number, state: keyof typeof TRANSITIONS, file = "tested.ts"): Job {
  const made = new Job(id, jobRequest({ manifest: moduleManifest({ file }) }), () => {})
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

const words = (given: Partial<LastWords>): LastWords => ({
  cause: "error",
  error: { name: "Error", message: "loose" },
  job: null,
  call: null,
  module: null,
  ...given,
})

test("the job that the worker names is guilty, and its neighbours are innocent, though they had started", () => {
  const { guilty, suspects, innocent } = blame([job(1, "started"), job(2, "started")], words({ job: 2 }))
  expect(guilty?.id).toBe(2)
  expect(suspects).toEqual([])
  expect(idsOf(innocent)).toEqual([1])
})

test("an error that a module or a job left behind spares every job, but not forever", () => {
  const call = {
    generation: "5f0a91c3",
    module: "tested.ts",
    queue: "custom_events",
    eventId: "e-1",
    attempt: 1,
  }
  for (const left of [words({ module: "tested.ts" }), words({ job: 9, call }), words({ cause: "exit" })]) {
    const running = job(1, "started")
    for (let i = 0; i < MAX_SPARED; i++) expect(idsOf(blame([running], left).innocent)).toEqual([1])
    expect(blame([running], left).guilty?.id).toBe(1)
  }
})

test("a rejected promise makes suspects of the jobs of the module on its stack, and spares those of others", () => {
  const jobs = [job(1, "started", "a.ts"), job(2, "started", "b.ts"), job(3, "started", "b.ts")]
  const { guilty, suspects, innocent } = blame(jobs, words({ cause: "rejection", module: "b.ts" }))
  expect(guilty).toBeUndefined()
  expect(idsOf(suspects)).toEqual([2, 3])
  expect(idsOf(innocent)).toEqual([1])
})

test("a rejected promise that names no module makes a suspect of each job that had started", () => {
  const jobs = [job(1, "started", "a.ts"), job(2, "started", "b.ts"), job(3, "sent", "b.ts")]
  const { guilty, suspects, innocent } = blame(jobs, words({ cause: "rejection" }))
  expect(guilty).toBeUndefined()
  expect(idsOf(suspects)).toEqual([1, 2])
  expect(idsOf(innocent)).toEqual([3])
})

test("a rejected promise that names no module spares even a job that ran alone, but not forever", () => {
  const rejection = words({ cause: "rejection" })
  const alone = job(1, "started")
  for (let i = 0; i < MAX_SPARED; i++) {
    const { guilty, suspects } = blame([alone], rejection)
    expect(guilty).toBeUndefined()
    expect(idsOf(suspects)).toEqual([1])
  }
  expect(blame([alone], rejection).guilty?.id).toBe(1)
})

test("an error in the worker's own code spares every job, until each runs alone in a new worker", () => {
  const own = words({ cause: "own-code", job: 1 })
  const jobs = [job(1, "started"), job(2, "started")]
  for (let i = 0; i < MAX_SPARED_BY_OWN_CODE; i++) expect(idsOf(blame(jobs, own).innocent)).toEqual([1, 2])
  expect(idsOf(blame(jobs, own).suspects)).toEqual([1, 2])
})
