import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import type { PublishedLine } from "../../../event/history-fact.ts"
import { takeFlock } from "../../../system/flock.ts"
import { reasonOf } from "../../../system/reason-of.ts"
import type { Report } from "../../report.ts"
import { encodeLines } from "./batch.ts"
import { TOKEN } from "./stream-message.ts"

/** Only the service's user may read and write the files, because they contain payloads. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** Files of a process. While one has batches that are not stored yet, the other is filled. */
const OWN_FILES = 2

/** Most files in a folder: several instances on one machine can share it, and those that ended may have left some. */
const MAX_FILES = 32

/** Length of a file above which the other one is filled, once it is empty, and longest file, in bytes. */
const FULL_BYTES = 262_144
const MAX_BYTES = 4_194_304

/** Precedes lines of a batch: its token, the checksum of the lines, and how many follow. */
const HEADER = /^#(\S+) (\d+) (\d+)$/

const LINE_BREAK = "\n"

/** A batch of a process that ended before RabbitMQ had confirmed it. */
export interface LeftBatch {
  readonly token: string
  readonly lines: readonly string[]
}

interface JournalFile {
  readonly descriptor: number
  size: number
  /** Of the batches in it that are not known to be stored. */
  readonly tokens: Set<string>
}

/**
 * Keeps the facts of publishes that are answered and that RabbitMQ has not confirmed yet, so that they outlive the process:
 * the next one that uses the folder sends what is left. Nothing is synced, so it does not help against a power loss.
 */
export class FactJournal {
  readonly #files: readonly JournalFile[]
  readonly #report: Report
  readonly #left: LeftBatch[] = []
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
    for (const file of files) this.#readLeft(file)
  }

  /** Takes what earlier processes left. It stays in its files until it is stored. */
  takeLeft(): readonly LeftBatch[] {
    return this.#left.splice(0)
  }

  /** Keeps some lines of a batch. Returns false if that is impossible now. */
  add(token: string, lines: readonly PublishedLine[]): boolean {
    const file = this.#next()
    if (this.#isClosed || file.size > MAX_BYTES) return false
    const text = encodeLines(lines)
    const record = Buffer.concat([
      Buffer.from(`#${token} ${crc32(text)} ${lines.length}${LINE_BREAK}`),
      text,
      Buffer.from(LINE_BREAK),
    ])
    if (!this.#write(file, record)) return false
    file.size += record.length
    file.tokens.add(token)
    return true
  }

  /** RabbitMQ has a batch, or it is given up. */
  forget(token: string): void {
    if (this.#isClosed) return
    for (const file of this.#files) {
      if (file.tokens.delete(token) && file.tokens.size === 0) this.#empty(file)
    }
  }

  /** Leaves for the next process all that was not forgotten. */
  close(): void {
    // A descriptor that is closed twice may be that of another file by then.
    if (this.#isClosed) return
    this.#isClosed = true
    for (const { descriptor } of this.#files) closeSync(descriptor)
  }

  #next(): JournalFile {
    if (this.#filled.size > FULL_BYTES)
      this.#filled = this.#files.find(({ size }) => size === 0) ?? this.#filled
    return this.#filled
  }

  #write({ descriptor, size }: JournalFile, record: Uint8Array): boolean {
    try {
      if (writeSync(descriptor, record, 0, record.length, size) === record.length) return true
      throw new Error("the disk is full")
    } catch (error) {
      if (!this.#hasFailed) this.#report("warn", UNUSABLE, { reason: reasonOf(error) })
      this.#hasFailed = true
      return false
    }
  }

  #empty(file: JournalFile): void {
    try {
      ftruncateSync(file.descriptor, 0)
      file.size = 0
    } catch {
      // It is filled further, up to its bound. A batch that the next process finds is stored once, by its token.
    }
  }

  #readLeft(file: JournalFile): void {
    const { batches, isDamaged } = readRecords(read(file))
    for (const [token, lines] of batches) {
      file.tokens.add(token)
      this.#left.push({ token, lines })
    }
    if (batches.size === 0) this.#empty(file)
    if (isDamaged)
      this.#report("warn", "the history lacks publishes of the last process: its journal is damaged", {})
  }
}

const UNUSABLE =
  "publishes wait for RabbitMQ to store their facts, because the history's journal can't be written"

/** Takes the files that no other process uses: those that there are, and as many new ones as are missing. */
function takeFiles(folder: string): readonly JournalFile[] {
  const files: JournalFile[] = []
  for (let number = 1; number <= MAX_FILES; number++) {
    const path = join(folder, `facts-${number}.journal`)
    const isMissing = !existsSync(path)
    if (isMissing && files.filter(({ size }) => size === 0).length >= OWN_FILES) continue
    const descriptor = openSync(path, isMissing ? "w+" : "r+", FILE_MODE)
    if (takeFlock(descriptor, "exclusive") === true)
      files.push({ descriptor, size: fstatSync(descriptor).size, tokens: new Set() })
    else closeSync(descriptor)
  }
  return files
}

function read({ descriptor, size }: JournalFile): Buffer {
  const bytes = Buffer.alloc(Math.min(size, 2 * MAX_BYTES))
  return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0))
}

/** Returns the lines of each batch, without records that are damaged, or were cut off by a power loss. */
function readRecords(bytes: Buffer): {
  readonly batches: Map<string, string[]>
  readonly isDamaged: boolean
} {
  const batches = new Map<string, string[]>()
  const lines = bytes.toString().split(LINE_BREAK)
  // Behind the last line break there is nothing, or a line that was cut off.
  const end = lines.length - 1
  let isDamaged = lines[end] !== ""
  for (let at = 0; at < end; at++) {
    const [, token = "", checksum, count] = HEADER.exec(lines[at] ?? "") ?? []
    const own = lines.slice(at + 1, Math.min(end, at + 1 + Number(count ?? 0)))
    if (TOKEN.test(token) && own.length > 0 && crc32(own.join(LINE_BREAK)) === Number(checksum)) {
      batches.set(token, [...(batches.get(token) ?? []), ...own])
      at += own.length
    } else isDamaged = true
  }
  return { batches, isDamaged }
}
