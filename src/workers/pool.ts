import type { Event } from "../event/envelope.ts"
import type { Cause } from "../event/lineage.ts"
import type { TraceContext } from "../event/trace-context.ts"
import type { ModuleManifest } from "../handlers/manifest.ts"
import type { ModuleSet } from "../handlers/module-set.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Headcount } from "../telemetry/state-metrics.ts"
import { assignJobs } from "./assign-jobs.ts"
import type { Attempt, Executor, Outcome } from "./attempt.ts"
import { type Blame, blame } from "./blame.ts"
import { type Candidate, Crew } from "./crew.ts"
import { endInOrder } from "./end-worker.ts"
import { Job, requestsOf } from "./job.ts"
import { batchRequestOf, causeOf, describeJob, type JobRequest, requestOf } from "./job-request.ts"
import { type JobObservers, JobSpan } from "./job-span.ts"
import { ABORT_GRACE_MS, watchTimeout } from "./job-timeout.ts"
import type { LastWords, LogMessage } from "./messages.ts"
import { describeMemory, MEMORY_EXCEEDED, STUCK, STUCK_ADVICE, STUCK_WORDS } from "./replacement.ts"
import { WaitingJobs } from "./waiting-jobs.ts"
import { WorkerDeaths } from "./worker-deaths.ts"
import { describeEnd } from "./worker-end.ts"
import { answerPublish, writeLog } from "./worker-requests.ts"
import { WorkerSurvey } from "./worker-survey.ts"
import type { WorkerThread } from "./worker-thread.ts"

export interface PoolOptions {
  /** Number of workers, if there are modules. */
  readonly size: number
  /** Jobs of one queue that a worker holds at a time; with 1, it holds one job in all. */
  readonly prefetch: number
  /** The worker's entry file. In the binary it must be beside the main file. */
  readonly workerUrl: string
  /** `process.env` of the handlers. */
  readonly environment: Readonly<Record<string, string>>
  /** Heap of a worker above which it is replaced, in bytes; 0: no limit. */
  readonly memoryLimitBytes: number
  /** Publishes the handlers' follow-up events. */
  readonly publish: (draft: unknown, trace: TraceContext | null, cause: Cause | null) => Promise<Event>
  /** The largest follow-up event, in bytes of JSON. */
  readonly maxPublishBytes: number
  /** How long each module may take to load, in milliseconds. Default 15,000. */
  readonly loadTimeoutMs?: number
  readonly observers: JobObservers
  /** Called when a worker is replaced because of a function; with what it ran, as far as that may be the reason. */
  readonly onReplaced: (cause: "timeout" | "crash" | "memory", requests: readonly JobRequest[]) => void
  readonly logger: Logger
}

const STRAY_MESSAGE = "a handler module called postMessage: nobody gets the message; publish an event instead"

/**
 * Supervises the workers. It gives them jobs as they have credit, and every job ends with a result, also if its handler
 * throws, hangs, spins, exits or takes its worker down. Another worker then runs the other jobs of that worker.
 */
export class Pool implements Executor {
  readonly #options: PoolOptions
  readonly #waiting = new WaitingJobs()
  readonly #crew: Crew
  /** Looks at each worker: its state, memory and CPU. */
  readonly survey: WorkerSurvey
  readonly #deaths: WorkerDeaths
  #lastJob = 0
  #droppedLogLines = 0
  #isStopping = false
  #onIdle: (() => void) | undefined

  constructor(options: PoolOptions) {
    const { size, prefetch, workerUrl, environment, memoryLimitBytes, loadTimeoutMs, logger } = options
    this.#options = options
    this.#deaths = new WorkerDeaths(logger)
    this.#crew = new Crew({
      size,
      prefetch,
      workerUrl,
      environment,
      memoryLimitBytes,
      loadTimeoutMs,
      events: {
        onSettled: (thread) => this.#afterJob(thread),
        onPublish: (thread, job, message) => {
          const { publish, maxPublishBytes } = options
          const store = (draft: unknown) => publish(draft, job.trace, causeOf(job.request))
          void answerPublish(thread, message, maxPublishBytes, store)
        },
        onMemoryExceeded: (thread, heapBytes) => this.#relieve(thread, heapBytes),
        onStrayMessage: () => logger.warn(STRAY_MESSAGE),
        onLog: (job, message, dropped) => this.#log(job, message, dropped),
        onClosed: (thread) => this.#afterClose(thread),
      },
      onReady: () => this.#assign(),
      logger,
    })
    this.survey = new WorkerSurvey(this.#crew)
  }

  /** The generation of the modules that are in use. */
  get generation(): string {
    return this.#crew.set.generation
  }

  /** Workers that take jobs, and those that there should be. */
  get workers(): Headcount {
    return { present: this.#crew.readyCount, expected: this.#crew.seatCount }
  }

  /** Workers that wait to be started again. */
  get waitingWorkers(): number {
    return this.#crew.waitingCount
  }

  /** Why workers can't be started, or end again and again without an event to blame; null if they do not. */
  get fault(): string | null {
    return this.#crew.fault
  }

  /** Log lines of handlers dropped since the start. */
  get droppedLogLines(): number {
    return this.#droppedLogLines
  }

  /**
   * Starts the workers, side by side. Resolves once each is ready, or could not be started, and is then tried again in the
   * background.
   * @returns the modules, once a worker has loaded them
   * @throws {ModuleLoadError} if a module can't be used
   */
  start(set: ModuleSet): Promise<{ readonly loaded: Promise<readonly ModuleManifest[]> }> {
    return this.#crew.start(set)
  }

  /** Loads module sets in workers that take no jobs, until one of them is adopted. */
  get candidates(): Pick<Crew, "prepare" | "discard" | "abandon"> {
    return this.#crew
  }

  /**
   * Puts a module set into use. Jobs that have not begun end as `superseded`; those that run end with the code that they
   * began with, in workers that take no others.
   * @returns resolves once all workers are ready, or could not be started and will be tried again
   */
  adopt(candidate: Candidate): Promise<unknown> {
    // Before the new workers take jobs.
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift())
      job.finish({ kind: "superseded" })
    return this.#crew.adopt(candidate)
  }

  /** Runs an attempt as soon as a worker has credit for it. Never rejects. */
  run(attempt: Attempt): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.#begin(new Job(++this.#lastJob, requestOf(attempt), resolve))
    return promise
  }

  runBatch(attempts: readonly Attempt[], isAlone: boolean): readonly Promise<Outcome>[] {
    const [first] = attempts
    if (first === undefined) return []
    const outcomes = attempts.map(() => Promise.withResolvers<Outcome>())
    const finish = (outcome: Outcome): void => {
      for (const { resolve } of outcomes) resolve(outcome)
    }
    const finishEvent = (place: number, outcome: Outcome): void => outcomes[place]?.resolve(outcome)
    const request = batchRequestOf(first, attempts, isAlone)
    this.#begin(new Job(++this.#lastJob, request, finish, finishEvent))
    return outcomes.map(({ promise }) => promise)
  }

  /**
   * Gives back waiting jobs, lets running ones finish until the deadline, then aborts them and ends the workers.
   * @param timeoutMs how long all of that may take, in milliseconds
   */
  async stop(timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs
    this.#isStopping = true
    this.#crew.stop()
    this.#deaths.stop()
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift())
      job.finish({ kind: "returned" })
    await this.#idleWithin(Math.max(0, timeoutMs - ABORT_GRACE_MS))
    for (const thread of this.#crew.threads) {
      for (const job of thread.jobs.values()) {
        job.isInterrupted = true
        thread.send({ kind: "abort", job: job.id, reason: "the service is stopping" })
      }
    }
    await this.#idleWithin(Math.min(timeoutMs, ABORT_GRACE_MS))
    await this.#crew.end(until - performance.now())
  }

  #begin(job: Job): void {
    if (this.#isStopping) job.finish({ kind: "returned" })
    else if (!this.#isCurrent(job)) job.finish({ kind: "superseded" })
    else this.#waiting.push(job)
    this.#assign()
  }

  #isCurrent({ request }: Job): boolean {
    return request.target.generation === this.generation
  }

  #assign(): void {
    assignJobs({
      waiting: this.#waiting,
      threads: this.#crew.threads,
      prefetch: this.#options.prefetch,
      hasRoom: ({ request }) => this.#crew.hasRoomFor(request.target.manifest),
      run: (thread, job) => this.#run(thread, job),
    })
  }

  #run(thread: WorkerThread, job: Job): void {
    if (job.request.isLost()) {
      job.finish({ kind: "returned" })
      return
    }
    job.begin(new JobSpan(job.request, job.settledEvents, this.#options.observers))
    thread.run(job)
    watchTimeout(thread, job, {
      onOverdue: () => this.#giveUp(thread, job),
      onStuck: () => this.#replaceStuck(thread),
    })
  }

  /** Ends a worker that takes none of its jobs. They run in another one, without an attempt used up. */
  #replaceStuck(thread: WorkerThread): void {
    const { onReplaced, logger } = this.#options
    thread.isEnding = true
    onReplaced("timeout", requestsOf([...thread.jobs.values()]))
    logger.error({ waiting: thread.jobs.size, advice: STUCK_ADVICE }, STUCK)
    this.#takeJobsOff(thread, "worker-crashed", STUCK_WORDS)
    thread.terminate()
  }

  /**
   * Gives up a handler that did not settle. If its worker still answers, the handler waits for something: the worker
   * gets no new jobs, finishes its others, and ends. If it does not answer, the handler spins, and the worker ends now.
   */
  #giveUp(thread: WorkerThread, job: Job): void {
    const about = { ...describeJob(job.request), timeout_ms: job.request.target.manifest.timeoutMs }
    thread.isEnding = true
    this.#options.onReplaced("timeout", requestsOf([job]))
    if (!job.isAbortSeen) {
      this.#options.logger.warn(about, "a handler does not yield; its worker is ended and replaced")
      this.#takeJobsOff(thread, "timeout", null)
      thread.terminate()
      return
    }
    this.#options.logger.warn(about, "a handler did not settle in time; its worker is replaced")
    thread.jobs.delete(job.id)
    thread.hasGivenUp = true
    job.durationMs = thread.runningForMs(job)
    job.finish({ kind: "timeout", error: null })
    this.#crew.replace(thread)
    this.#afterJob(thread)
  }

  /** Replaces a worker whose heap is too large, once it has finished its jobs. */
  #relieve(thread: WorkerThread, heapBytes: number): void {
    if (thread.state !== "ready") return
    const { onReplaced, logger, memoryLimitBytes } = this.#options
    onReplaced("memory", [])
    logger.warn(describeMemory(thread, heapBytes, memoryLimitBytes), MEMORY_EXCEEDED)
    this.#crew.replace(thread)
    this.#afterJob(thread)
  }

  #afterJob(thread: WorkerThread): void {
    if (thread.jobs.size === 0) {
      thread.isReserved = false
      if (thread.state === "retiring") this.#leave(thread)
    }
    this.#tellIdle()
    this.#assign()
  }

  /** Ends a worker that has finished its jobs: in order, unless a function of it still hangs. */
  #leave(thread: WorkerThread): void {
    if (thread.hasGivenUp) thread.terminate()
    else void endInOrder(thread, this.#options.logger)
  }

  #afterClose(thread: WorkerThread): void {
    if (!this.#crew.remove(thread)) return
    const jobs = [...thread.jobs.values()]
    const { guilty, suspects } = this.#takeJobsOff(thread, "worker-crashed", thread.lastWords)
    const isExplained = thread.isEnding || guilty !== undefined || suspects.length > 0
    if (!isExplained) this.#crew.accuse(thread.lastWords?.module ?? null)
    const retryInMs = this.#crew.vacate(thread, isExplained)
    if (!this.#isStopping && thread.hasLoaded && !thread.isEnding) {
      this.#deaths.tell({ about: describeEnd(thread, jobs, guilty), running: jobs.length, retryInMs })
      this.#options.onReplaced("crash", requestsOf(jobs))
    }
    this.#tellIdle()
    this.#assign()
  }

  /** Finishes the job that is to blame, and runs the others again. */
  #takeJobsOff(thread: WorkerThread, reason: "timeout" | "worker-crashed", words: LastWords | null): Blame {
    const found = blame(thread.takeJobs(), words)
    const { guilty, suspects, innocent } = found
    if (this.#isStopping) {
      for (const job of [guilty, ...suspects, ...innocent]) job?.finish({ kind: "returned" })
      return found
    }
    guilty?.finish({ kind: reason, error: thread.lastError })
    for (const job of suspects) {
      job.isAlone = true
      this.#runAgain(job, () => this.#waiting.push(job))
    }
    for (const job of innocent.toReversed()) this.#runAgain(job, () => this.#waiting.putBack(job))
    return found
  }

  /** Runs a job again, unless the function that it is for is no longer in use. */
  #runAgain(job: Job, wait: () => void): void {
    job.reset()
    if (this.#isCurrent(job)) wait()
    else job.finish({ kind: "superseded" })
  }

  #log(job: Job | undefined, message: LogMessage, dropped: number): void {
    const { logger } = this.#options
    writeLog(logger, job, message)
    if (dropped === 0) return
    this.#droppedLogLines += dropped
    logger.warn({ lines: dropped }, "log lines of handlers dropped: a worker wrote too many at once")
  }

  #tellIdle(): void {
    if (this.#onIdle !== undefined && this.#isIdle()) this.#onIdle()
  }

  #isIdle(): boolean {
    for (const thread of this.#crew.threads) if (thread.jobs.size > 0) return false
    return true
  }

  async #idleWithin(timeoutMs: number): Promise<void> {
    if (this.#isIdle()) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onIdle = resolve
    const timer = setTimeout(resolve, timeoutMs)
    await promise
    clearTimeout(timer)
  }
}
