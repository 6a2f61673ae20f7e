import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { reasonOf } from "../../../system/reason-of.ts"
import type { Report } from "../../report.ts"
import { JournalFile, type LeftBatch } from "./journal-file.ts"

/** Only the service's user may read and write the files, because they contain payloads. */
const FOLDER_MODE = 0o700

/** Files of a process. While one has batches that are not stored yet, the other is filled. */
const OWN_FILES = 2

/** Most files in a folder: several instances on one machine can share it, and those that ended may have left some. */
const MAX_FILES = 32

/** Length of a file above which the other one is filled, once it is empty, and longest file, in bytes. */
const FULL_BYTES = 262_144
const MAX_BYTES = 4_194_304

/**
 * Keeps the facts of publishes that are answered and that RabbitMQ has not confirmed yet, so that they outlive the process:
 * the next one that uses the folder sends what is left. Nothing is synced, so it does not help against a power loss.
 */
export class FactJournal {
  readonly #files: readonly JournalFile[]
  readonly #report: Report
  #filled: JournalFile
  #hasFailed = false
  #isClosed = false

  /** Returns null if the folder can't be used: each answer then waits for RabbitMQ. */
  static open(folder: string, report: Report): FactJournal | null {
    try {
      mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
      const files = takeFiles(folder)
      const [first] = files
      return first === undefined ? null : new FactJournal(files, first, report)
    } catch (error) {
      report("warn", UNUSABLE, { reason: reasonOf(error) })
      return null
    }
  }

  private constructor(files: readonly JournalFile[], filled: JournalFile, report: Report) {
    this.#files = files
    this.#filled = filled
    this.#report = report
    for (const { isDamaged } of files) if (isDamaged) report("warn", DAMAGED, {})
  }

  /** Takes what earlier processes left. It stays in its files until it is forgotten. */
  takeLeft(): readonly LeftBatch[] {
    return this.#files.flatMap((file) => file.takeLeft())
  }

  /**
   * Keeps some lines of a batch. Returns false if that is impossible now.
   * @param lines in UTF-8, each with a line break
   */
  add(token: string, lines: Uint8Array): boolean {
    const file = this.#next()
    if (this.#isClosed || file.length > MAX_BYTES) return false
    try {
      file.add(token, lines)
      return true
    } catch (error) {
      if (!this.#hasFailed) this.#report("warn", UNUSABLE, { reason: reasonOf(error) })
      this.#hasFailed = true
      return false
    }
  }

  /** RabbitMQ has a batch, or it is given up. */
  forget(token: string): void {
    if (this.#isClosed) return
    for (const file of this.#files) file.forget(token)
  }

  /** Leaves for the next process all that was not forgotten. */
  close(): void {
    // A descriptor that is closed twice may be that of another file by then.
    if (this.#isClosed) return
    this.#isClosed = true
    for (const file of this.#files) file.close()
  }

  #next(): JournalFile {
    if (this.#filled.length > FULL_BYTES)
      this.#filled = this.#files.find(({ isEmpty }) => isEmpty) ?? this.#filled
    return this.#filled
  }
}

const UNUSABLE =
  "publishes wait for RabbitMQ to store their facts, because the history's journal can't be written"

const DAMAGED = "the history may lack publishes of the last process: its journal is damaged"

/** Takes the files that no other process uses: those that there are, and as many new ones as are missing. */
function takeFiles(folder: string): readonly JournalFile[] {
  const files: JournalFile[] = []
  for (let number = 1; number <= MAX_FILES; number++) {
    const path = join(folder, `facts-${number}.journal`)
    const isMissing = !existsSync(path)
    if (isMissing && files.filter(({ isEmpty }) => isEmpty).length >= OWN_FILES) continue
    const file = JournalFile.take(path, isMissing)
    if (file !== null) files.push(file)
  }
  return files
}
