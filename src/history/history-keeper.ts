import { resolve } from "node:path"
import type { FactBatch } from "../event/history-fact.ts"
import { reasonOf } from "../system/reason-of.ts"
import { HistoryCursorError } from "./errors.ts"
import { alignPermissions, FileNames } from "./file-names.ts"
import { isDamage, isOfConnection, isUnusable, makePrivate, setAside } from "./history-file.ts"
import {
  callQuery,
  type HistoryAnswer,
  type HistoryRequest,
  type HistoryStart,
  type QueryCall,
} from "./messages.ts"
import { Projection } from "./projection.ts"
import type { HistoryLimits } from "./retention.ts"
import { retentionTime } from "./retention-clock.ts"

/** How long the oldest events are deleted between two requests, in milliseconds. */
const RETAIN_MS = 100

/** Pause between checks of the retention while no facts arrive, in milliseconds. */
const RETAIN_INTERVAL_MS = 30_000

/** Keeps the file of a history: opens it, begins another if it is damaged, and serves requests. Never throws. */
export class HistoryKeeper {
  readonly #file: string
  readonly #limits: HistoryLimits
  readonly #eventsFile: string | null
  readonly #lacksPast: boolean
  readonly #lost: string | null
  readonly #answer: (message: HistoryAnswer) => void
  #projection: Projection | null = null
  /** Of the open file. */
  #names: FileNames | null = null
  #retaining: ReturnType<typeof setTimeout> | undefined

  constructor(
    { file, limits, eventsFile, lacksPast, lost }: Omit<HistoryStart, "kind" | "isLowPriority">,
    answer: (message: HistoryAnswer) => void,
  ) {
    this.#file = file
    this.#limits = limits
    this.#eventsFile = eventsFile
    this.#lacksPast = lacksPast
    this.#lost = lost
    this.#answer = answer
  }

  open(): void {
    try {
      this.#projection = this.#openFile()
      this.#names = new FileNames(this.#file)
      const { position, gap } = this.#projection
      this.#answer({ kind: "opened", position, gap })
      this.#retain()
    } catch (error) {
      this.#fail(error)
    }
  }

  serve(request: Exclude<HistoryRequest, HistoryStart>): void {
    if (request.kind === "close") this.#close()
    else if (request.kind === "query") this.#ask(request.number, request.call)
    else this.#apply(request.batches)
  }

  /** Opens the file. One that can't be used is set aside. */
  #openFile(): Projection {
    try {
      makePrivate(this.#file)
      alignPermissions(this.#file)
      const projection = this.#openTables()
      if (this.#lost !== null) addGap(projection, this.#lost)
      else if (projection.isNew && this.#lacksPast) addGap(projection, "its file was begun then")
      return projection
    } catch (error) {
      if (!isUnusable(error)) throw error
      this.#tellSetAside(error)
      makePrivate(this.#file)
      const projection = this.#openTables()
      addGap(projection, "its file was damaged, or none of this version")
      return projection
    }
  }

  /** SQLite would take a relative path that begins with "file:" for a URI. */
  #openTables(): Projection {
    return Projection.open(resolve(this.#file), this.#limits, this.#eventsFile)
  }

  /** Begins another file instead of one that turned out to be damaged. Returns false if that is impossible. */
  #replace(error: unknown): boolean {
    try {
      this.#projection?.close()
      this.#projection = null
      this.#tellSetAside(error)
      this.open()
    } catch (cause) {
      this.#fail(cause)
    }
    return this.#projection !== null
  }

  #tellSetAside(error: unknown): void {
    this.#answer({ kind: "set-aside", name: setAside(this.#file), reason: reasonOf(error) })
  }

  /** @param mayReplace false if the file was just begun: a disk that damages it at once would do so for ever */
  #apply(batches: readonly FactBatch[], mayReplace = true): void {
    if (this.#projection === null || this.#isLost()) return
    try {
      const { skipped } = this.#projection.apply(batches, retentionTime())
      const { position, gap } = this.#projection
      this.#answer({ kind: "applied", position, gap, skipped })
      this.#retain()
    } catch (error) {
      if (isOfConnection(error)) this.#fail(error)
      else if (!mayReplace || !isDamage(error)) this.#answer({ kind: "not-applied", reason: reasonOf(error) })
      else if (this.#replace(error)) this.#apply(batches, false)
    }
  }

  #ask(number: number, call: QueryCall): void {
    if (this.#projection === null || this.#isLost()) return
    try {
      this.#answer({ kind: "answered", number, answer: callQuery(this.#projection, call) })
    } catch (error) {
      const isCursorFault = error instanceof HistoryCursorError
      this.#answer({ kind: "refused", number, reason: reasonOf(error), isCursorFault })
      if (isDamage(error)) this.#replace(error)
      else if (isOfConnection(error)) this.#fail(error)
    }
  }

  /** Deletes the oldest events for a while. Goes on after the requests that wait. */
  #retain(): void {
    clearTimeout(this.#retaining)
    if (this.#isLost()) return
    const end = performance.now() + RETAIN_MS
    let hasMore = true
    try {
      while (hasMore && performance.now() < end) hasMore = this.#projection?.retain(retentionTime()) ?? false
    } catch {
      // A full disk, or damage. The next apply meets the same fault, and tells it.
      hasMore = false
    }
    this.#retaining = setTimeout(() => this.#retain(), hasMore ? 0 : RETAIN_INTERVAL_MS)
  }

  /** Gives a file up that was deleted or replaced. Returns false if it was not. */
  #isLost(): boolean {
    const names = this.#names
    const lost = names?.lost() ?? []
    if (names === null || lost.length === 0) return false
    const isLost = !names.isFileThere
    try {
      // If only the log was deleted, this saves what it has.
      this.#projection?.checkpoint()
    } catch {
      // The file can't be written either. The next open meets the same fault, and tells it.
    }
    this.#closeFile()
    try {
      names.removeOrphans()
    } catch {
      // The next open tells why the folder can't be used.
    }
    const were = lost.length === 1 ? "was" : "were"
    const reason = `${lost.join(", ")} ${were} deleted or replaced while the service ran`
    this.#answer({ kind: "failed", reason, isLost })
    return true
  }

  /** Gives the file up. The thread is started again, and opens it anew. */
  #fail(error: unknown): void {
    this.#closeFile()
    this.#answer({ kind: "failed", reason: reasonOf(error), isLost: false })
  }

  #closeFile(): void {
    clearTimeout(this.#retaining)
    try {
      this.#projection?.close()
    } catch {
      // Everything applied is on the disk, and the next connection recovers it from the log.
    }
    this.#projection = null
    this.#names = null
  }

  #close(): void {
    this.#closeFile()
    this.#answer({ kind: "closed" })
  }
}

/** Notes that a history begins now, although there was one before. */
const addGap = (projection: Projection, reason: string): void =>
  projection.addGap({ since: null, until: retentionTime(), isOpen: false, reason })
