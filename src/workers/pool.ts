import type { Event } from "../event/envelope.ts"
import type { TraceContext } from "../event/trace-context.ts"
import { type ModuleManifest, readManifests } from "../handlers/manifest.ts"
import type { ModuleFile } from "../handlers/module-files.ts"
import { ModuleLoadError } from "../handlers/module-load-error.ts"
import { locateIn } from "../handlers/option-position.ts"
import type { Logger } from "../telemetry/logger.ts"
import { assignJobs } from "./assign-jobs.ts"
import type { Attempt, Executor, Outcome } from "./attempt.ts"
import { type Blame, blame } from "./blame.ts"
import { Job } from "./job.ts"
import { batchRequestOf, describeJob, requestOf } from "./job-request.ts"
import { type JobObservers, JobSpan } from "./job-span.ts"
import { ABORT_GRACE_MS, watchTimeout } from "./job-timeout.ts"
import type { LastWords } from "./messages.ts"
import { Seat } from "./seat.ts"
import { WaitingJobs } from "./waiting-jobs.ts"
import { WorkerDeaths } from "./worker-deaths.ts"
import { describeEnd } from "./worker-end.ts"
import { answerPublish, writeLog } from "./worker-requests.ts"
import { type LogMessage, WorkerThread } from "./worker-thread.ts"

export interface PoolOptions {
  /** Number of workers. */
  readonly size: number
  /** Jobs of one queue that a worker holds at a time; with 1, it holds one job in all. */
  readonly prefetch: number
  /** The worker's entry file. In the binary it must be beside the main file. */
  readonly workerUrl: string
  readonly files: readonly ModuleFile[]
  /** `process.env` of the handlers. */
  readonly environment: Readonly<Record<string, string>>
  /** Publishes the handlers' follow-up events. */
  readonly publish: (draft: unknown, trace: TraceContext | null) => Promise<Event>
  /** The largest follow-up event, in bytes of JSON. */
  readonly maxPublishBytes: number
  /** How long each module may take to load, in milliseconds. Default 15,000. */
  readonly loadTimeoutMs?: number
  readonly observers: JobObservers
  readonly logger: Logger
}

const STRAY_MESSAGE = "a handler module called postMessage: nobody gets the message; publish an event instead"

const SLOW_LOAD = "loading the handler modules takes long: events are not handled until they are loaded"

const STUCK = "a worker does not call the functions of its events; it is replaced"
const STUCK_ADVICE =
  "a function that has ended has probably left a loop behind, or replaced a built-in, such as an iterator"

/** Counts such an end as one of the worker's own code. */
const STUCK_WORDS: LastWords = {
  cause: "own-code",
  error: { name: "WorkerStuck", message: STUCK },
  job: null,
  call: null,
  module: null,
}

/** How long each module may take to load, in milliseconds. */
const LOAD_TIMEOUT_MS = 15_000

/**
 * Supervises the workers. It gives them jobs as they have credit, and every job ends with a result, also if its handler
 * throws, hangs, spins, exits or takes its worker down. Another worker then runs the other jobs of that worker.
 */
export class Pool implements Executor {
  readonly #options: PoolOptions
  readonly #threads = new Set<WorkerThread>()
  readonly #waiting = new WaitingJobs()
  readonly #seats: readonly Seat[]
  /** The seats of workers that take jobs. */
  readonly #seatOf = new Map<WorkerThread, Seat>()
  /** Modules whose slow loading the log has told of; null is the start of a worker before the first one. */
  readonly #toldSlow = new Set<string | null>()
  readonly #deaths: WorkerDeaths
  readonly #loaded = Promise.withResolvers<readonly ModuleManifest[]>()
  #lastJob = 0
  #droppedLogLines = 0
  #isStopping = false
  #onIdle: (() => void) | undefined
  /** The module because of which a worker most recently ended without an event to blame, or could not be started. */
  #lastCulprit: string | null = null

  constructor(options: PoolOptions) {
    this.#options = options
    this.#deaths = new WorkerDeaths(options.logger)
    const startWorker = (seat: Seat): Promise<void> => this.#startWorker(seat)
    this.#seats = Array.from(
      { length: options.size },
      () => new Seat({ startWorker, logger: options.logger }),
    )
  }

  /** Resolves with the modules once a worker has loaded them. */
  get loaded(): Promise<readonly ModuleManifest[]> {
    return this.#loaded.promise
  }

  get readyWorkers(): number {
    return this.#count("ready")
  }

  /** Workers that wait to be started again. */
  get waitingWorkers(): number {
    return this.#seats.filter(({ isWaiting }) => isWaiting).length
  }

  /** Why workers can't be started, or end again and again without an event to blame; null if they do not. */
  get fault(): string | null {
    if (!this.#seats.some(({ isFaulty }) => isFaulty)) return null
    const cause = this.#lastCulprit === null ? "" : `, probably because of ${this.#lastCulprit}`
    return `workers can't be started, or end soon after their start${cause}; the log has the error`
  }

  /** Log lines of handlers dropped since the start. */
  get droppedLogLines(): number {
    return this.#droppedLogLines
  }

  /**
   * Starts the workers, side by side. Resolves once each is ready, or could not be started, and is then tried again in the
   * background.
   * @throws {ModuleLoadError} if a module can't be used
   */
  async start(): Promise<void> {
    await Promise.all(this.#seats.map((seat) => seat.open()))
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
    this.#isStopping = true
    for (const seat of this.#seats) seat.stop()
    this.#deaths.stop()
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift())
      job.finish({ kind: "returned" })
    await this.#idleWithin(Math.max(0, timeoutMs - ABORT_GRACE_MS))
    for (const thread of this.#threads) {
      for (const job of thread.jobs.values()) {
        job.isInterrupted = true
        thread.send({ kind: "abort", job: job.id, reason: "the service is stopping" })
      }
    }
    await this.#idleWithin(Math.min(timeoutMs, ABORT_GRACE_MS))
    for (const thread of this.#threads) thread.terminate()
  }

  async #startWorker(seat: Seat): Promise<void> {
    const { workerUrl, prefetch, environment, files, loadTimeoutMs = LOAD_TIMEOUT_MS } = this.#options
    // Each module has one queue.
    const slots = prefetch * Math.max(1, files.length)
    const thread = new WorkerThread(
      { workerUrl, slots, environment, loadTimeoutMs },
      {
        onSettled: (on) => this.#afterJob(on),
        onPublish: (on, job, message) => {
          const { publish, maxPublishBytes } = this.#options
          void answerPublish(on, message, maxPublishBytes, (draft) => publish(draft, job.trace))
        },
        onSlowLoad: (file, seconds) => this.#tellSlow(file, seconds),
        onStrayMessage: () => this.#options.logger.warn(STRAY_MESSAGE),
        onLog: (job, message, dropped) => this.#log(job, message, dropped),
        onClosed: (on) => this.#afterClose(on),
      },
    )
    this.#threads.add(thread)
    try {
      this.#loaded.resolve(readManifests(await thread.load(files), locateIn(files)))
    } catch (error) {
      if (error instanceof ModuleLoadError) this.#lastCulprit = error.file
      thread.isEnding = true
      thread.terminate()
      throw error
    }
    this.#seatOf.set(thread, seat)
    this.#assign()
  }

  #begin(job: Job): void {
    if (this.#isStopping) job.finish({ kind: "returned" })
    else this.#waiting.push(job)
    this.#assign()
  }

  #assign(): void {
    assignJobs(this.#waiting, this.#threads, this.#options.prefetch, (thread, job) => this.#run(thread, job))
  }

  #run(thread: WorkerThread, job: Job): void {
    if (job.request.isLost()) {
      job.finish({ kind: "returned" })
      return
    }
    job.begin(new JobSpan(job.request, this.#options.observers))
    thread.run(job)
    watchTimeout(thread, job, {
      onOverdue: () => this.#giveUp(thread, job),
      onStuck: () => this.#replaceStuck(thread),
    })
  }

  /** Ends a worker that takes none of its jobs. They run in another one, without an attempt used up. */
  #replaceStuck(thread: WorkerThread): void {
    const { observers, logger } = this.#options
    thread.isEnding = true
    observers.metrics.workerReplaced("timeout")
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
    this.#options.observers.metrics.workerReplaced("timeout")
    if (!job.isAbortSeen) {
      this.#options.logger.warn(about, "a handler does not yield; its worker is ended and replaced")
      this.#takeJobsOff(thread, "timeout", null)
      thread.terminate()
      return
    }
    this.#options.logger.warn(about, "a handler did not settle in time; its worker is replaced")
    thread.jobs.delete(job.id)
    thread.state = "retiring"
    job.durationMs = thread.runningForMs(job)
    job.finish({ kind: "timeout", error: null })
    this.#vacate(thread, true)
    this.#afterJob(thread)
  }

  #afterJob(thread: WorkerThread): void {
    if (thread.jobs.size === 0) {
      thread.isReserved = false
      if (thread.state === "retiring") thread.terminate()
    }
    this.#tellIdle()
    this.#assign()
  }

  #afterClose(thread: WorkerThread): void {
    this.#threads.delete(thread)
    const jobs = [...thread.jobs.values()]
    const { guilty, suspects } = this.#takeJobsOff(thread, "worker-crashed", thread.lastWords)
    const isExplained = thread.isEnding || guilty !== undefined || suspects.length > 0
    if (!isExplained) this.#lastCulprit = thread.lastWords?.module ?? null
    const retryInMs = this.#vacate(thread, isExplained)
    if (!this.#isStopping && thread.hasLoaded && !thread.isEnding) {
      this.#deaths.tell({ about: describeEnd(thread, jobs, guilty), running: jobs.length, retryInMs })
      this.#options.observers.metrics.workerReplaced("crash")
    }
    this.#tellIdle()
    this.#assign()
  }

  /** Has another worker started in the seat of one that is gone or takes no more jobs. Returns the wait, in milliseconds. */
  #vacate(thread: WorkerThread, isExplained: boolean): number {
    const seat = this.#seatOf.get(thread)
    this.#seatOf.delete(thread)
    return seat?.vacate({ readyForMs: thread.readyForMs, isExplained }) ?? 0
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
      job.reset()
      job.isAlone = true
      this.#waiting.push(job)
    }
    for (const job of innocent.toReversed()) {
      job.reset()
      this.#waiting.putBack(job)
    }
    return found
  }

  /** Tells once of each module that it loads slowly: all workers load it. */
  #tellSlow(file: string | null, seconds: number): void {
    if (this.#isStopping || this.#toldSlow.has(file)) return
    this.#toldSlow.add(file)
    const about = { ...(file !== null && { module: file }), seconds }
    this.#options.logger.warn(about, SLOW_LOAD)
  }

  #log(job: Job | undefined, message: LogMessage, dropped: number): void {
    const { logger } = this.#options
    writeLog(logger, job?.request, message)
    if (dropped === 0) return
    this.#droppedLogLines += dropped
    logger.warn({ lines: dropped }, "log lines of handlers dropped: a worker wrote too many at once")
  }

  #count(state: WorkerThread["state"]): number {
    let count = 0
    for (const thread of this.#threads) if (thread.state === state) count++
    return count
  }

  #tellIdle(): void {
    if (this.#onIdle !== undefined && this.#isIdle()) this.#onIdle()
  }

  #isIdle(): boolean {
    for (const thread of this.#threads) if (thread.jobs.size > 0) return false
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
