import { expect, test } from "bun:test"
import { assignJobs, type Candidate } from "../../src/workers/assign-jobs.ts"
import { Job } from "../../src/workers/job.ts"
import { WaitingJobs } from "../../src/workers/waiting-jobs.ts"
import { jobRequest, moduleManifest } from "../support/job-request.ts"

interface Worker extends Candidate {
  readonly name: string
  /** The queue of each job, by its id. */
  readonly jobs: Map<number, string>
}

/** The queue of jobs that name none. */
const { queue: QUEUE } = jobRequest({})

function worker(name: string, running = 0, state: Worker["state"] = "ready"): Worker {
  const jobs = new Map(Array.from({ length: running }, (_, at) => [-1 - at, QUEUE]))
  const jobsOf = (queue: string): number => [...jobs.values()].filter((each) => each === queue).length
  return { name, state, isReserved: false, jobs, jobsOf }
}

/** Makes a queue of jobs with ids from 1 on. */
function waitingJobs(...requests: readonly Parameters<typeof jobRequest>[0][]): WaitingJobs {
  const waiting = new WaitingJobs()
  for (const [at, request] of requests.entries()) {
    // Each module has one queue.
    const manifest = moduleManifest({ file: `${request?.queue ?? QUEUE}.ts` })
    waiting.push(new Job(at + 1, jobRequest({ manifest, ...request }), () => {}))
  }
  return waiting
}

/** Returns the workers that got a job, and its id. */
function assign(
  waiting: WaitingJobs,
  workers: readonly Worker[],
  { prefetch = 2, hasRoom = (_: Job): boolean => true } = {},
): readonly string[] {
  const given: string[] = []
  assignJobs({
    waiting,
    threads: new Set(workers),
    prefetch,
    hasRoom,
    run({ name, jobs }, { id, request }) {
      jobs.set(id, request.queue)
      given.push(`${id} to ${name}`)
    },
  })
  return given
}

test("jobs go to the least busy worker, by priority and then arrival, up to the prefetch", () => {
  const waiting = waitingJobs({ priority: 4 }, { priority: 9 }, { priority: 4 }, { priority: 4 })
  expect(assign(waiting, [worker("a", 1), worker("b")])).toEqual(["2 to b", "1 to a", "3 to b"])
  expect(waiting.shift()?.id).toBe(4)
})

test("a queue without credit holds up no other, and the others are taken by priority and arrival", () => {
  const waiting = waitingJobs(
    { priority: 9 },
    { queue: "other", priority: 4 },
    { queue: "third", priority: 7 },
    { queue: "other", priority: 7 },
  )
  expect(assign(waiting, [worker("a", 2), worker("b", 2)])).toEqual(["3 to a", "4 to b", "2 to a"])
  expect(waiting.shift()?.id).toBe(1)
})

test("with a prefetch of 1, a worker holds one job in all", () => {
  const waiting = waitingJobs({ queue: "other" }, { queue: "third" })
  expect(assign(waiting, [worker("busy", 1), worker("idle")], { prefetch: 1 })).toEqual(["1 to idle"])
})

test("workers that load, retire or are closed get no job", () => {
  const others = (["loading", "retiring", "closed"] as const).map((state) => worker(state, 0, state))
  expect(assign(waitingJobs({}, { isAlone: true }), others)).toEqual([])
})

test("a job that runs alone goes first, to an idle worker, which gets no other until it has finished", () => {
  const [idle, busy] = [worker("idle"), worker("busy", 1)]
  const waiting = waitingJobs({ priority: 9 }, { isAlone: true }, { priority: 9 })
  expect(assign(waiting, [idle, busy])).toEqual(["2 to idle", "1 to busy"])
  expect(idle.isReserved).toBe(true)
  idle.jobs.clear()
  idle.isReserved = false
  expect(assign(waiting, [idle, busy])).toEqual(["3 to idle"])
})

test("if no worker is idle, the least busy one is kept free for the next job that runs alone, and only one", () => {
  const [one, other] = [worker("one", 2), worker("other", 1)]
  const waiting = waitingJobs({ isAlone: true }, { isAlone: true }, {})
  expect(assign(waiting, [one, other], { prefetch: 3 })).toEqual(["3 to one"])
  expect([one.isReserved, other.isReserved]).toEqual([false, true])
  other.jobs.clear()
  expect(assign(waiting, [one, other], { prefetch: 3 })).toEqual(["1 to other"])
  expect([one.isReserved, other.isReserved]).toEqual([false, true])
})

test("a job that is put back comes before the others of its kind", () => {
  const waiting = waitingJobs({}, {}, { isAlone: true }, { isAlone: true })
  const manifest = moduleManifest({ file: `${QUEUE}.ts` })
  for (const id of [5, 6]) waiting.putBack(new Job(id, jobRequest({ manifest, isAlone: id === 6 }), () => {}))
  const order = Array.from({ length: 6 }, () => waiting.shift()?.id)
  expect(order).toEqual([6, 3, 4, 5, 1, 2])
  expect(waiting.shift()).toBeUndefined()
})

test("jobs of a module without room hold up no other, whether they run alone or beside others", () => {
  const full = moduleManifest({ file: "full.ts" })
  const waiting = waitingJobs(
    { manifest: full, isAlone: true, priority: 9 },
    { manifest: full, priority: 9 },
    { priority: 4 },
    { isAlone: true },
  )
  const hasRoom = ({ request }: Job): boolean => request.target.manifest.file !== "full.ts"
  expect(assign(waiting, [worker("a"), worker("b")], { hasRoom })).toEqual(["4 to a", "3 to b"])
  expect([waiting.shift()?.id, waiting.shift()?.id]).toEqual([1, 2])
})
