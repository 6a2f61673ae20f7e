import { type Backoff, RetryDelays } from "../event/backoff.ts"
import type { FactBatch } from "../event/history-fact.ts"
import { reasonOf } from "../system/reason-of.ts"
import { withTimeout } from "../system/with-timeout.ts"
import { HistoryCursorError, HistoryUnavailableError } from "./errors.ts"
import { type Gap, gapText } from "./gaps.ts"
import { type TakenFile, takeFile } from "./history-file.ts"
import type { HistoryAnswer, HistoryRequest, QueryCall } from "./messages.ts"
import type { HistoryLimits } from "./retention.ts"

export type HistoryReport = (
  level: "info" | "warn" | "error",
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void

export interface LinkOptions {
  /** The folder of the file. It is created if it is missing. */
  readonly dataDir: string
  readonly limits: HistoryLimits
  /** As in `FactLog`. */
  readonly eventsFile?: string | undefined
  readonly lacksPast?: boolean
  /** Entry file of the thread. Default: the file in the sources. */
  readonly threadUrl?: string | undefined
  readonly report: HistoryReport
}

/** Receives what the thread tells. */
export interface LinkWatcher {
  /** The file is open, and batches may be sent. */
  onOpened(position: string | null): void
  /** Another file is begun, which lacks what the one before had. */
  onBegunAgain(): void
  onApplied(position: string | null, skipped: number): void
  onNotApplied(reason: string): void
  /** The thread has ended, with the batches that were sent to it. It is started again. */
  onDown(): void
}

/** Entry file of the thread, next to this file in the sources. */
const THREAD_URL = new URL("./history-thread.ts", import.meta.url).href

/** Waits before the thread is started again. */
const BACKOFF: Backoff = { initialMs: 500, factor: 2, maxMs: 60_000 }

/** How long a close waits for the thread, in milliseconds. */
const CLOSE_MS = 10_000

/**
 * `replacing`: the thread is asked to close, and another follows. `failed`: the next start is due later; queries are
 * rejected meanwhile.
 */
type LinkState = "starting" | "open" | "replacing" | "failed" | "closing" | "closed"

/** The thread that keeps the file of the history, from the main thread. Starts it again whenever it ends. */
export class HistoryLink {
  readonly #options: LinkOptions
  readonly #watcher: LinkWatcher
  readonly #delays = new RetryDelays(BACKOFF)
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>()
  /** Queries that were asked while no file was open. */
  #held: HistoryRequest[] = []
  #queries = 0
  #file: TakenFile | null = null
  #thread: Worker | null = null
  #state: LinkState = "starting"
  #isLowPriority = true
  #failure = ""
  #gap: Gap | null = null
  /** Why the next file follows one that was lost; null if it does not. */
  #lost: string | null = null
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  readonly #closed = Promise.withResolvers<void>()

  constructor(options: LinkOptions, watcher: LinkWatcher) {
    this.#options = options
    this.#watcher = watcher
    this.#start()
  }

  get isOpen(): boolean {
    return this.#state === "open"
  }

  /** Why the history can't be used now; null if it can. */
  get failure(): string | null {
    return this.#failure === "" ? null : this.#failure
  }

  /** Why the history lacks something, although it works; null if it does not. */
  get gap(): string | null {
    return gapText(this.#gap, this.#options.limits.retentionMs)
  }

  get isLowPriority(): boolean {
    return this.#isLowPriority
  }

  /** Sends batches to be applied. Call it only while the link is open, and one at a time. */
  apply(batches: readonly FactBatch[]): void {
    this.#post({ kind: "apply", batches })
  }

  /**
   * @throws {HistoryUnavailableError} if the history can't answer now
   * @throws {HistoryCursorError} if the cursor is not one of the list
   */
  ask(call: QueryCall): Promise<unknown> {
    if (this.#state === "failed") return Promise.reject(new HistoryUnavailableError("failed", this.#failure))
    if (this.#state === "closing" || this.#state === "closed") return Promise.reject(closedError())
    const number = ++this.#queries
    const asked = Promise.withResolvers<unknown>()
    this.#asked.set(number, asked)
    const request: HistoryRequest = { kind: "query", number, call }
    if (this.#state === "open") this.#post(request)
    else this.#held.push(request)
    return asked.promise
  }

  /** Replaces the thread by one with another priority, because a thread can't raise its own. Call it while nothing is applied. */
  changePriority(isLow: boolean): void {
    if (this.#state !== "open") return
    this.#isLowPriority = isLow
    this.#state = "replacing"
    this.#post({ kind: "close" })
  }

  /** Ends the thread, after what it was asked before, and releases the file. */
  async close(): Promise<void> {
    clearTimeout(this.#retryTimer)
    const isRunning = this.#thread !== null && this.#state !== "closing" && this.#state !== "closed"
    this.#state = "closing"
    if (isRunning) {
      this.#post({ kind: "close" })
      const tooLate = new HistoryUnavailableError("closed", "the thread did not end in time")
      // What it has not applied is still where it came from.
      await withTimeout(this.#closed.promise, CLOSE_MS, tooLate).catch(() => undefined)
    }
    this.#state = "closed"
    this.#thread?.terminate()
    this.#thread = null
    this.#file?.[Symbol.dispose]()
    this.#file = null
    this.#reject(closedError())
  }

  #start(): void {
    this.#state = "starting"
    try {
      this.#file ??= takeFile(this.#options.dataDir)
      if (this.#file === null) throw new Error("every history file is in use by another process")
      const thread = new Worker(this.#options.threadUrl ?? THREAD_URL)
      this.#thread = thread
      // Outside the dispatch of the message, because resumed code could wait for a later message.
      thread.onmessage = ({ data }: MessageEvent<HistoryAnswer>) =>
        setImmediate(() => {
          if (thread === this.#thread) this.#take(data)
        })
      thread.onerror = (event) => {
        event.preventDefault()
        if (thread === this.#thread) this.#fail(`its thread ended: ${event.message}`)
      }
      thread.addEventListener("close", () => {
        if (thread === this.#thread) this.#fail("its thread ended")
      })
      const { file } = this.#file
      const { limits, eventsFile = null, lacksPast = false } = this.#options
      const [lost, isLowPriority] = [this.#lost, this.#isLowPriority]
      this.#post({ kind: "start", file, limits, eventsFile, lacksPast, lost, isLowPriority })
    } catch (error) {
      this.#fail(reasonOf(error))
    }
  }

  #post(request: HistoryRequest): void {
    this.#thread?.postMessage(request)
  }

  #take(answer: HistoryAnswer): void {
    switch (answer.kind) {
      case "opened":
        this.#gap = answer.gap
        this.#opened(answer.position)
        break
      case "set-aside":
        this.#options.report("warn", "history begun again, because its file can't be used", {
          set_aside: answer.name,
          reason: answer.reason,
        })
        this.#watcher.onBegunAgain()
        break
      case "applied":
        this.#gap = answer.gap
        this.#delays.reset()
        this.#watcher.onApplied(answer.position, answer.skipped)
        break
      case "not-applied":
        this.#watcher.onNotApplied(answer.reason)
        break
      case "answered":
        this.#settle(answer.number)?.resolve(answer.answer)
        break
      case "refused":
        this.#settle(answer.number)?.reject(
          answer.isCursorFault
            ? new HistoryCursorError()
            : new HistoryUnavailableError("failed", answer.reason),
        )
        break
      case "failed":
        if (answer.isLost) this.#lose(answer.reason)
        else this.#fail(answer.reason)
        break
      case "closed":
        this.#ended()
        break
    }
  }

  #opened(position: string | null): void {
    this.#lost = null
    if (this.#failure !== "") this.#options.report("info", "history works again", {})
    this.#failure = ""
    if (this.#state === "starting") this.#state = "open"
    this.#watcher.onOpened(position)
    // After the batches that the watcher sends.
    for (const request of this.#held.splice(0)) this.#post(request)
  }

  #settle(number: number): PromiseWithResolvers<unknown> | undefined {
    const asked = this.#asked.get(number)
    this.#asked.delete(number)
    return asked
  }

  #ended(): void {
    this.#thread?.terminate()
    this.#thread = null
    if (this.#state === "closing") this.#closed.resolve()
    else this.#start()
  }

  /** Begins with another file, also if another process has taken the name meanwhile. */
  #lose(reason: string): void {
    this.#file?.[Symbol.dispose]()
    this.#file = null
    this.#lost = reason
    this.#watcher.onBegunAgain()
    this.#fail(`${reason}; stop the service before you do that`)
  }

  #fail(reason: string): void {
    this.#thread?.terminate()
    this.#thread = null
    if (this.#state === "closing" || this.#state === "closed") {
      this.#closed.resolve()
      return
    }
    this.#state = "failed"
    const isFirst = this.#failure === ""
    this.#failure = `the history can't be used: ${reason}`
    const delayMs = this.#delays.next()
    if (isFirst) this.#options.report("error", this.#failure, { retry_in_ms: delayMs })
    this.#held = []
    this.#reject(new HistoryUnavailableError("restarting", this.#failure))
    this.#retryTimer = setTimeout(() => this.#start(), delayMs)
    this.#watcher.onDown()
  }

  #reject(error: HistoryUnavailableError): void {
    const asked = [...this.#asked.values()]
    this.#asked.clear()
    for (const each of asked) each.reject(error)
  }
}

const closedError = (): HistoryUnavailableError =>
  new HistoryUnavailableError("closed", "the history is closed, because the service stops")
