import type { Event } from "../event/envelope.ts"
import type { TraceContext } from "../event/trace-context.ts"
import { type ModuleManifest, readManifests } from "../handlers/manifest.ts"
import type { ModuleFile } from "../handlers/module-files.ts"
import { locateIn } from "../handlers/option-position.ts"
import type { Logger } from "../telemetry/logger.ts"
import { assignJobs } from "./assign-jobs.ts"
import type { Attempt, Executor, Outcome } from "./attempt.ts"
import { blame } from "./blame.ts"
import { Job } from "./job.ts"
import { batchRequestOf, describeJob, requestOf } from "./job-request.ts"
import { type JobObservers, JobSpan } from "./job-span.ts"
import { ABORT_GRACE_MS, watchTimeout } from "./job-timeout.ts"
import { Spawner } from "./spawner.ts"
import { WaitingJobs } from "./waiting-jobs.ts"
import { answerPublish, writeLog } from "./worker-requests.ts"
import { type LogMessage, WorkerThread } from "./worker-thread.ts"

export interface PoolOptions {
  /** Number of workers. */
  readonly size: number
  /** Jobs that a worker holds at a time. */
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

/** Advice for a worker that dies while no function runs. */
const LEFT_BEHIND = "a promise or a timer that a module left behind has probably failed: catch its error"

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
  readonly #spawner: Spawner
  readonly #loaded = Promise.withResolvers<readonly ModuleManifest[]>()
  #lastJob = 0
  #droppedLogLines = 0
  #isStopping = false
  #onIdle: (() => void) | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    this.#spawner = new Spawner({
      wanted: options.size,
      running: () => this.#count("loading") + this.readyWorkers,
      spawn: () => this.#spawn(),
      logger: options.logger,
    })
  }

  /** Resolves with the modules once a worker has loaded them. */
  get loaded(): Promise<readonly ModuleManifest[]> {
    return this.#loaded.promise
  }

  get readyWorkers(): number {
    return this.#count("ready")
  }

  /** Log lines of handlers dropped since the start. */
  get droppedLogLines(): number {
    return this.#droppedLogLines
  }

  /**
   * Starts the workers, one after the other. Resolves once all are ready, or one has crashed, which is then tried again
   * in the background.
   * @throws {ModuleLoadError} if a module can't be used
   */
  async start(): Promise<void> {
    await this.#spawner.start()
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
    this.#spawner.stop()
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

  async #spawn(): Promise<void> {
    const { workerUrl, prefetch: slots, environment, files, loadTimeoutMs = LOAD_TIMEOUT_MS } = this.#options
    const thread = new WorkerThread(
      { workerUrl, slots, environment, loadTimeoutMs },
      {
        onSettled: (on) => this.#afterJob(on),
        onPublish: (on, job, message) => {
          const { publish, maxPublishBytes } = this.#options
          void answerPublish(on, message, maxPublishBytes, (draft) => publish(draft, job.trace))
        },
        onStrayMessage: () => this.#options.logger.warn(STRAY_MESSAGE),
        onLog: (job, message, dropped) => this.#log(job, message, dropped),
        onClosed: (on) => this.#afterClose(on),
      },
    )
    this.#threads.add(thread)
    try {
      this.#loaded.resolve(readManifests(await thread.load(files), locateIn(files)))
    } catch (error) {
      thread.isEnding = true
      thread.terminate()
      throw error
    }
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
    watchTimeout(thread, job, () => this.#giveUp(thread, job))
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
      this.#takeJobsOff(thread, "timeout")
      thread.terminate()
      return
    }
    this.#options.logger.warn(about, "a handler did not settle in time; its worker is replaced")
    thread.jobs.delete(job.id)
    thread.state = "retiring"
    job.durationMs = thread.runningForMs(job)
    job.finish({ kind: "timeout", error: null })
    this.#afterJob(thread)
    this.#spawner.wake()
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
    const { lastWords, jobs } = thread
    if (!this.#isStopping && thread.hasLoaded && !thread.isEnding) {
      const modules = new Set([...jobs.values()].map(({ request }) => request.target.manifest.file))
      const about = {
        error: lastWords,
        running: jobs.size,
        modules: [...modules],
        ...(jobs.size === 0 && { advice: LEFT_BEHIND }),
      }
      this.#options.logger.error(about, "a worker died; it will be replaced")
      this.#options.observers.metrics.workerReplaced("crash")
    }
    this.#takeJobsOff(thread, "worker-crashed")
    this.#spawner.wake(thread.hasRunJobs)
    this.#tellIdle()
    this.#assign()
  }

  /** Finishes the job that is to blame, and runs the others again. */
  #takeJobsOff(thread: WorkerThread, reason: "timeout" | "worker-crashed"): void {
    const { guilty, suspects, innocent } = blame(thread.takeJobs())
    if (this.#isStopping) {
      for (const job of [guilty, ...suspects, ...innocent]) job?.finish({ kind: "returned" })
      return
    }
    guilty?.finish({ kind: reason, error: thread.lastWords })
    for (const job of suspects) {
      job.reset()
      job.isAlone = true
      this.#waiting.push(job)
    }
    for (const job of innocent.toReversed()) {
      job.reset()
      this.#waiting.putBack(job)
    }
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
