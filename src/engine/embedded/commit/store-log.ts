import type { Database } from "bun:sqlite"
import { LogLength } from "../store/log-length.ts"
import type { SyncAnswer } from "./log-keeper.ts"
import { SyncRequest, THEN_CHECKPOINT, THEN_NOTHING, THEN_TAKE_OVER } from "./sync-request.ts"
import type { SyncStart } from "./sync-thread.ts"

/**
 * Receives the result of a sync. Callbacks instead of a promise, because they run in the same turn of the
 * event loop.
 */
export interface SyncWatcher {
  /** Everything written before the sync is on the disk. */
  onSynced(): void
  /** The database may be written again. Called after `onSynced`, sometimes with a checkpoint in between. */
  onWritable(): void
  /** Writes since the last sync may not be on the disk, and must never be confirmed. */
  onFailed(cause: Error): void
}

/** The engine's view of SQLite's log. */
export interface Log {
  /**
   * Brings the log onto the disk. One sync at a time: the next may begin when the database may be written
   * again.
   */
  sync(turn: number, watcher: SyncWatcher): void
  /** Makes the next sync copy the log into the database, however short the log is. */
  hurry(): void
  /** Closes the database with `closeDatabase`, and releases the log. */
  close(closeDatabase: () => void): Promise<void>
}

/** Share of the log's length that is written before an incomplete checkpoint is retried. */
const AGAIN_SHARE = 1 / 4

/** Entry file of the sync thread, next to this file in the sources. */
const SYNC_THREAD_URL = new URL("./sync-thread.ts", import.meta.url).href

export interface StoreLogOptions {
  readonly database: Database
  readonly storeId: string
  /** Maximum length of the log before it is copied into the database, in pages. */
  readonly logPages: number
  /** Entry file of the thread. Default: the file in the sources. */
  readonly threadUrl?: string | undefined
  /** Called once if the log fails while no sync is in progress. */
  readonly onFailure: (reason: Error) => void
}

/**
 * Syncs the log and copies it into the database on a dedicated thread, so the event loop never waits for the
 * disk.
 */
export class StoreLog implements Log {
  readonly #thread: Worker
  readonly #request = new SyncRequest()
  readonly #length: LogLength
  readonly #logPages: number
  readonly #onFailure: (reason: Error) => void
  #watcher: SyncWatcher | null = null
  /** Set while the store is being closed. */
  #closing: PromiseWithResolvers<void> | null = null
  /** In pages. */
  #checkpointAt: number
  #failure: Error | null = null

  constructor({ database, storeId, logPages, threadUrl = SYNC_THREAD_URL, onFailure }: StoreLogOptions) {
    this.#onFailure = onFailure
    this.#length = new LogLength(database)
    this.#logPages = logPages
    this.#checkpointAt = logPages
    this.#thread = new Worker(threadUrl)
    // Outside the dispatch of the message, because resumed code could wait for a later message.
    this.#thread.onmessage = ({ data }: MessageEvent<SyncAnswer>) => setImmediate(() => this.#take(data))
    this.#thread.onerror = ({ message }) => this.#fail(new Error(`the sync thread ended: ${message}`))
    const start: SyncStart = { databaseFile: database.filename, storeId, memory: this.#request.memory }
    this.#thread.postMessage(start)
  }

  sync(turn: number, watcher: SyncWatcher): void {
    if (this.#failure !== null) {
      watcher.onFailed(this.#failure)
      return
    }
    this.#watcher = watcher
    this.#request.make(turn, this.#length.pages >= this.#checkpointAt ? THEN_CHECKPOINT : THEN_NOTHING)
  }

  hurry(): void {
    // An empty log has nothing to copy.
    this.#checkpointAt = 1
  }

  async close(closeDatabase: () => void): Promise<void> {
    try {
      if (this.#failure !== null) return
      await this.#askToClose(THEN_TAKE_OVER)
      this.#length.close()
      closeDatabase()
      await this.#askToClose(THEN_NOTHING)
    } catch {
      // Everything confirmed is in the log, and the next process recovers it from there.
    } finally {
      this.#thread.terminate()
    }
  }

  #askToClose(followUp: typeof THEN_NOTHING | typeof THEN_TAKE_OVER): Promise<void> {
    this.#closing = Promise.withResolvers()
    this.#request.make(this.#request.turn, followUp)
    return this.#closing.promise
  }

  #take(answer: SyncAnswer): void {
    switch (answer.kind) {
      case "synced":
        this.#watcher?.onSynced()
        if (this.#request.followUp === THEN_NOTHING) this.#release()
        break
      case "checkpointed":
        this.#checkpointAt = answer.isWhole
          ? this.#logPages
          : this.#length.pages + Math.ceil(this.#logPages * AGAIN_SHARE)
        this.#release()
        break
      case "took-over":
      case "closed":
        this.#closing?.resolve()
        break
      case "failed":
        this.#fail(new Error(answer.reason))
        break
    }
  }

  #release(): void {
    const watcher = this.#watcher
    this.#watcher = null
    watcher?.onWritable()
  }

  #fail(cause: Error): void {
    if (this.#failure !== null) return
    this.#failure = cause
    const watcher = this.#watcher
    this.#watcher = null
    if (this.#closing !== null) this.#closing.reject(cause)
    else if (watcher !== null) watcher.onFailed(cause)
    else this.#onFailure(cause)
  }
}
