import { type ErrorSummary, summarizeError } from "../event/failure.ts"
import type { ModuleDescription } from "../handlers/manifest.ts"
import type { ModuleSet } from "../handlers/module-set.ts"
import { exitCodeOf } from "./exit-code.ts"
import type { Job } from "./job.ts"
import { JobBoard } from "./job-board.ts"
import { LATE_PUBLISH } from "./late-publish.ts"
import { LogBudget, sizeOfLine } from "./log-budget.ts"
import { MessageBatcher } from "./message-batcher.ts"
import type { FromWorker, LastWords, LogMessage, PublishMessage, ToWorker, WorkerStart } from "./messages.ts"
import { ModuleLoading } from "./module-loading.ts"
import { runMessage } from "./run-message.ts"
import { readWorkerMessage } from "./worker-message-reader.ts"
import type { WorkerOptions } from "./worker-options.ts"
import { WorkerUsage } from "./worker-usage.ts"

/** Events of a worker that the pool reacts to. */
export interface WorkerThreadEvents {
  readonly onSettled: (thread: WorkerThread, job: Job) => void
  readonly onPublish: (thread: WorkerThread, job: Job, message: PublishMessage) => void
  /**
   * Called when a handler has written a line. The job is undefined if no job wrote it, or one that has ended.
   * @param dropped number of lines dropped just before
   */
  readonly onLog: (job: Job | undefined, message: LogMessage, dropped: number) => void
  /** Called when a worker takes long to load; with the file of the module that it loads, or null before the first one. */
  readonly onSlowLoad: (file: string | null, seconds: number) => void
  /** Called when its heap is larger than it may be, with its size in bytes. */
  readonly onMemoryExceeded: (thread: WorkerThread, heapBytes: number) => void
  /** Called, once per worker, when a module has posted a message outside of the protocol. */
  readonly onStrayMessage: () => void
  /** Called when the worker is gone, by itself or by `terminate`. Its unfinished jobs are still in `jobs`. */
  readonly onClosed: (thread: WorkerThread) => void
}

/** Messages that a worker sends while it loads the modules, and never later. */
const LOAD_MESSAGES: ReadonlySet<FromWorker["kind"]> = new Set([
  "loading",
  "loaded",
  "load-failed",
  "holding",
])

/**
 * The main thread's side of one worker. The worker may run anything and end at any time; nothing here depends on it.
 */
export class WorkerThread {
  readonly jobs = new Map<number, Job>()
  readonly usage = new WorkerUsage()
  /** The module set that it has loaded, or loads; null before. */
  generation: string | null = null
  state: "loading" | "ready" | "retiring" | "closed" = "loading"
  /** Gets no other job until one that runs alone has finished. */
  isReserved = false
  /** True once it was ready. */
  hasLoaded = false
  /** True if one of its functions was given up and still runs. */
  hasGivenUp = false
  /** True if its modules have something to release before it ends. */
  hasTeardown = false
  /** True if the pool has decided to end it. */
  isEnding = false
  /** The error that ended it; null if it is not known. */
  lastError: ErrorSummary | null = null
  /** The worker's own account of its end; null if it gave none. */
  lastWords: LastWords | null = null
  /** When it became ready, in milliseconds of `performance.now`. */
  #readyAt = 0
  /** When it last sent anything, or got its only job, in the same milliseconds. */
  #heardAt = 0
  readonly #memoryLimitBytes: number
  readonly #worker: Worker
  /** Private to the worker's own code: messages of a handler's global `postMessage` do not arrive here. */
  readonly #port: MessagePort
  readonly #events: WorkerThreadEvents
  readonly #board: JobBoard
  readonly #logBudget = LogBudget.whole()
  readonly #freeSlots: number[]
  readonly #slots = new Map<Job, number>()
  readonly #jobsByQueue = new Map<string, number>()
  readonly #batcher = new MessageBatcher<ToWorker>((messages) => this.#post(messages))
  readonly #loading: ModuleLoading
  #isTearingDown = false
  readonly #tornDown = Promise.withResolvers<void>()

  constructor(options: WorkerOptions, events: WorkerThreadEvents) {
    const { workerUrl, slots, environment, loadTimeoutMs, memoryLimitBytes } = options
    this.#memoryLimitBytes = memoryLimitBytes
    this.#events = events
    this.#loading = new ModuleLoading({
      timeoutMs: loadTimeoutMs,
      onTimeout: (message) => {
        this.lastError = { name: "Error", message }
        // Otherwise the worker is ended in order, since its load has failed.
        if (!this.hasTeardown) this.terminate()
      },
      onSlow: events.onSlowLoad,
    })
    this.#board = JobBoard.withSlots(slots)
    this.#freeSlots = Array.from({ length: slots }, (_, slot) => slot)
    this.#worker = new Worker(workerUrl, { env: { ...environment } })
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.#port.onmessage = ({ data }: { readonly data: unknown }) => this.#receiveAll(data)
    this.#port.onmessageerror = () => this.#refuse("a message that can't be read")
    this.#worker.postMessage({ port: port2 } satisfies WorkerStart, [port2])
    this.#worker.addEventListener("message", () => events.onStrayMessage(), { once: true })
    this.#worker.onerror = (event) => {
      // The worker could not report this error itself, such as one in its own entry file.
      event.preventDefault()
      this.lastError ??= { name: "Error", message: event.message }
    }
    this.#worker.addEventListener("close", (event) => {
      if (this.lastError === null) this.#loading.exit()
      this.lastError ??= {
        name: "WorkerExit",
        message: `the worker ended with exit code ${exitCodeOf(event)}`,
      }
      this.#close()
    })
  }

  /**
   * Has the worker load the modules.
   * @throws {ModuleLoadError} if one of them can't be loaded, or not in time; other errors if the worker died
   */
  async load({ files, generation, code }: ModuleSet): Promise<readonly ModuleDescription[]> {
    const [board, logBudget] = [this.#board.memory, this.#logBudget.memory]
    const memoryLimitBytes = this.#memoryLimitBytes
    this.generation = generation
    this.send({ kind: "load", files, generation, code, board, logBudget, memoryLimitBytes })
    const descriptions = await this.#loading.loaded()
    if (this.state === "closed") throw new Error(this.lastError?.message ?? "the worker ended")
    this.state = "ready"
    this.hasLoaded = true
    this.#readyAt = performance.now()
    return descriptions
  }

  run(job: Job): void {
    const slot = this.#freeSlots.pop()
    if (slot === undefined) throw new Error("a worker was given more jobs than it has slots")
    if (this.jobs.size === 0) this.#heardAt = performance.now()
    this.#board.give(slot)
    this.#slots.set(job, slot)
    this.#count(job, 1)
    job.sent()
    this.jobs.set(job.id, job)
    this.send(runMessage(job, slot))
  }

  send(message: ToWorker): void {
    this.#batcher.send(message)
  }

  /** Returns the number of its jobs that are of this queue. */
  jobsOf(queue: string): number {
    return this.#jobsByQueue.get(queue) ?? 0
  }

  /** Returns the number of calls that it has been given of this module, and that have not ended. */
  callsOf(file: string): number {
    let calls = 0
    for (const job of this.#slots.keys()) if (job.request.target.manifest.file === file) calls++
    return calls
  }

  /** How long it has been ready, in milliseconds; 0 if it never was. */
  get readyForMs(): number {
    return this.hasLoaded ? performance.now() - this.#readyAt : 0
  }

  /** Returns how long the job's function has been running, in milliseconds; 0 if it has not been called. */
  runningForMs(job: Job): number {
    const slot = this.#slots.get(job)
    return slot === undefined ? 0 : this.#board.runningForMs(slot)
  }

  /** Returns the time since the job's begin or last heartbeat, in milliseconds; 0 if its function has not been called. */
  silentForMs(job: Job): number {
    const slot = this.#slots.get(job)
    return slot === undefined ? 0 : this.#board.silentForMs(slot)
  }

  /** Returns true if it has said nothing for so long, in milliseconds, although it has jobs and runs none of them. */
  isStuck(forMs: number): boolean {
    if (performance.now() - this.#heardAt < forMs) return false
    for (const slot of this.#slots.values()) if (this.#board.progressOf(slot) === "begun") return false
    return true
  }

  /**
   * Takes the jobs off a worker that is gone or ends now, each with its progress on the board. Jobs that are done are
   * finished here, even if the worker could not report them.
   */
  takeJobs(): Job[] {
    const unfinished: Job[] = []
    for (const [job, slot] of this.#slots) {
      const progress = this.#board.progressOf(slot)
      job.durationMs = this.#board.runningForMs(slot)
      if (progress === "begun") job.started()
      if (progress === "done" || job.isSettled) job.finish({ kind: "done" })
      else if (this.jobs.has(job.id)) unfinished.push(job)
    }
    this.jobs.clear()
    return unfinished
  }

  /** Takes no more jobs. A load that goes on is given up: `load` rejects. */
  retire(): void {
    if (this.state === "closed") return
    this.state = "retiring"
    this.#loading.end("the worker is ended")
  }

  /** Has the modules release what they hold, once. Call it when there are no jobs. Resolves also if the worker ends meanwhile. */
  tearDown(): Promise<void> {
    if (!this.#isTearingDown) this.send({ kind: "tear-down" })
    this.#isTearingDown = true
    return this.#tornDown.promise
  }

  /** Ends the worker, even one in an endless loop. */
  terminate(): void {
    if (this.state === "closed") return
    this.#worker.terminate()
    this.#close()
  }

  #post(messages: readonly ToWorker[]): void {
    if (this.state !== "closed") this.#port.postMessage(messages)
  }

  /** Receives messages. Ends a worker that breaks the protocol, because its own code has been changed. */
  #receiveAll(data: unknown): void {
    this.#heardAt = performance.now()
    if (!Array.isArray(data)) {
      this.#refuse("a message that is not a list")
      return
    }
    try {
      for (const value of data) {
        if (this.state === "closed") return
        const message = readWorkerMessage(value)
        if (message === null || !this.#isPossible(message))
          this.#refuse("a message that is not of the protocol")
        else this.#receive(message)
      }
    } catch (error) {
      // An error that leaves this callback ends the service.
      this.#refuse(`a message that failed: ${summarizeError(error).message}`)
    }
  }

  #refuse(what: string): void {
    this.lastError = { name: "ProtocolError", message: `the worker sent ${what}` }
    this.terminate()
  }

  #isPossible(message: FromWorker): boolean {
    if (message.kind !== "event-settled") return true
    return this.jobs.get(message.job)?.hasEvent(message.place) ?? true
  }

  #receive(message: FromWorker): void {
    if (LOAD_MESSAGES.has(message.kind) && this.state !== "loading") return
    switch (message.kind) {
      case "loaded":
        this.#loading.finish(message.modules)
        return
      case "loading":
        this.#loading.beginFile(message.file)
        return
      case "load-failed":
        this.#loading.failAt(message.file, message.fault)
        return
      case "holding":
        this.hasTeardown = true
        return
      case "memory-exceeded":
        this.#events.onMemoryExceeded(this, message.heapBytes)
        return
      case "measured":
        this.usage.answer(message.heapBytes, message.cpuMs)
        return
      case "torn-down":
        this.#tornDown.resolve()
        return
      case "crashing":
        this.lastError = message.error
        this.lastWords = message
        return
      case "log":
        this.#log(message)
        return
    }
    const job = this.jobs.get(message.job)
    if (job === undefined) {
      // The job was given up: its handler does not know, or does not listen.
      if (message.kind === "publish")
        this.send({ kind: "publish-failed", call: message.call, error: LATE_PUBLISH })
      return
    }
    switch (message.kind) {
      case "abort-seen":
        job.abortSeen()
        break
      case "event-settled":
        job.finishEvent(message.place, message.outcome)
        break
      case "settled":
        this.#free(job)
        job.durationMs = message.durationMs
        if (message.cpuTime !== null) job.usedCpu(message.cpuTime)
        job.finish(message.outcome)
        this.#events.onSettled(this, job)
        break
      default:
        this.#events.onPublish(this, job, message)
    }
  }

  #log(message: LogMessage): void {
    const job = message.job === null ? undefined : this.jobs.get(message.job)
    this.#events.onLog(job, message, this.#logBudget.giveBack(sizeOfLine(message)))
  }

  #free(job: Job): void {
    this.jobs.delete(job.id)
    const slot = this.#slots.get(job)
    this.#slots.delete(job)
    if (slot === undefined) return
    this.#freeSlots.push(slot)
    this.#count(job, -1)
  }

  #count({ request: { queue } }: Job, change: 1 | -1): void {
    this.#jobsByQueue.set(queue, this.jobsOf(queue) + change)
  }

  #close(): void {
    if (this.state === "closed") return
    this.state = "closed"
    this.#port.close()
    this.#tornDown.resolve()
    this.#loading.end(this.lastError?.message ?? "the worker ended")
    this.#events.onClosed(this)
  }
}
