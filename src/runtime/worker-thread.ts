import type { ErrorSummary } from "../event/failure.ts"
import type { Job } from "./job.ts"
import { type ModuleDescription, ModuleLoadError } from "./manifest.ts"
import type { FromWorker, ModuleFile, ToWorker } from "./messages.ts"

/** What a worker's messages and end mean to the pool. */
export interface WorkerThreadEvents {
  readonly onStarted: (thread: WorkerThread, job: Job) => void
  readonly onSettled: (thread: WorkerThread, job: Job) => void
  readonly onMessage: (thread: WorkerThread, job: Job, message: JobMessage) => void
  /** The worker is gone, by itself or by `terminate`. Its unfinished jobs are still in `jobs`. */
  readonly onClosed: (thread: WorkerThread) => void
}

/** What a running handler asks of the main thread. */
export type JobMessage = Extract<FromWorker, { kind: "publish" | "log" }>

/** How long a worker may take to load the modules, in milliseconds. */
const LOAD_TIMEOUT_MS = 15_000

/** The main thread's end of one worker. It may run anything and end at any time; nothing here depends on it. */
export class WorkerThread {
  readonly jobs = new Map<number, Job>()
  state: "loading" | "ready" | "retiring" | "closed" = "loading"
  /** Gets no more jobs until one that has to run alone has been through. */
  isReserved = false
  /** Whether it was ready once. */
  hasLoaded = false
  /** Whether it was given a job. One that dies without is replaced only after a wait: it may die again at once. */
  hasRunJobs = false
  /** Whether it was the pool that decided to end it. */
  isEnding = false
  /** What it said of the error that ended it. */
  lastWords: ErrorSummary | null = null
  readonly #worker: Worker
  readonly #events: WorkerThreadEvents
  #outbox: ToWorker[] = []
  readonly #loading = Promise.withResolvers<readonly ModuleDescription[]>()

  constructor(workerUrl: string, events: WorkerThreadEvents) {
    this.#events = events
    this.#worker = new Worker(workerUrl)
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data)
    this.#worker.onerror = (event) => {
      // An error that the worker could not report itself, such as one in its own entry file.
      event.preventDefault()
      this.lastWords ??= { name: "Error", message: event.message }
    }
    this.#worker.addEventListener("close", () => this.#close())
  }

  /**
   * Has the worker load the modules.
   * @throws {ModuleLoadError} where one of them can't be loaded; other errors where the worker died.
   */
  async load(files: readonly ModuleFile[]): Promise<readonly ModuleDescription[]> {
    const timer = setTimeout(() => {
      this.lastWords = { name: "Error", message: `the modules were not loaded within ${LOAD_TIMEOUT_MS} ms` }
      this.terminate()
    }, LOAD_TIMEOUT_MS)
    try {
      this.send({ kind: "load", files })
      const descriptions = await this.#loading.promise
      this.state = "ready"
      this.hasLoaded = true
      return descriptions
    } finally {
      clearTimeout(timer)
    }
  }

  run(job: Job): void {
    job.state = "sent"
    this.hasRunJobs = true
    this.jobs.set(job.id, job)
    const { module, handler, queue, body, attempt, lastError } = job.request
    this.send({ kind: "run", job: job.id, module, handler, queue, body, attempt, lastError })
  }

  /** To wake a thread costs more than what it is told: what is sent in one turn of the event loop goes together. */
  send(message: ToWorker): void {
    if (this.#outbox.length === 0) queueMicrotask(() => this.#post())
    this.#outbox.push(message)
  }

  /** Ends the worker, whatever it does: an endless loop, too. */
  terminate(): void {
    if (this.state === "closed") return
    this.#worker.terminate()
    this.#close()
  }

  #post(): void {
    const messages = this.#outbox
    this.#outbox = []
    if (this.state !== "closed") this.#worker.postMessage(messages)
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "loaded":
        this.#loading.resolve(message.modules)
        return
      case "load-failed":
        this.#loading.reject(new ModuleLoadError(message.file, message.reason))
        return
      case "crashing":
        this.lastWords = message.error
        return
    }
    const job = this.jobs.get(message.job)
    // A job that was given up: its handler was not told, or did not listen.
    if (job === undefined) return
    switch (message.kind) {
      case "started":
        job.state = "started"
        this.#events.onStarted(this, job)
        break
      case "abort-seen":
        if (job.state === "overdue") job.state = "abort-seen"
        break
      case "settled":
        this.jobs.delete(job.id)
        job.finish(message.outcome)
        this.#events.onSettled(this, job)
        break
      default:
        this.#events.onMessage(this, job, message)
    }
  }

  #close(): void {
    if (this.state === "closed") return
    this.state = "closed"
    this.#loading.reject(new Error(this.lastWords?.message ?? "the worker ended while it loaded the modules"))
    this.#events.onClosed(this)
  }
}
