import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync, writevSync } from "node:fs"
import { crc32 } from "node:zlib"
import { takeFlock } from "../../../system/flock.ts"
import { TOKEN } from "./stream-message.ts"

/** Only the service's user may read and write the files, because they contain payloads. */
const FILE_MODE = 0o600

/** Longest file that is read, in bytes. Larger ones are no journal. */
const MAX_READ_BYTES = 16_777_216

/** Precedes lines of a batch: its token, the checksum of all the rest, the length of the lines in bytes, and the round of the file. */
const HEADER = /^#(\S+) (\d{1,10}) ([1-9]\d{0,9}) (\d{1,15})$/

/** Longest header, in bytes. */
const MAX_HEADER_BYTES = 200

const LINE_BREAK = "\n"

/** The first byte of a file whose records are not needed any more. */
const EMPTY = "-"

/** A batch of a process that ended before RabbitMQ had confirmed it. */
export interface LeftBatch {
  readonly token: string
  readonly lines: readonly string[]
}

interface JournalRecord {
  readonly round: number
  readonly token: string
  /** Null if it is damaged, or not whole. */
  readonly lines: readonly string[] | null
  /** Position of its first byte, and of the one behind its last. */
  readonly from: number
  readonly end: number
}

/** The last round of a file. */
interface FoundRecords {
  readonly round: number
  /** None if they are not needed any more. */
  readonly records: readonly JournalRecord[]
  readonly isDamaged: boolean
}

/**
 * A file of the journal, which one process uses at a time. Once nothing in it is needed it is written again from its
 * beginning, as its next round, because writing over what is there takes a third of the CPU time of writing a file that was
 * truncated. A record of another round is no part of it.
 */
export class JournalFile {
  readonly #descriptor: number
  /** Of the batches in it that are not known to be stored. */
  readonly #tokens = new Set<string>()
  readonly #left: LeftBatch[]
  /** True if a part of what another process left can't be read. */
  readonly isDamaged: boolean
  #round: number
  #end: number

  /**
   * Opens a file, or creates it. Returns null if another process uses it.
   * @throws if it can't be opened
   */
  static take(path: string, isMissing: boolean): JournalFile | null {
    const descriptor = openSync(path, isMissing ? "w+" : "r+", FILE_MODE)
    try {
      if (takeFlock(descriptor, "exclusive") === true) return new JournalFile(descriptor)
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
    closeSync(descriptor)
    return null
  }

  private constructor(descriptor: number) {
    this.#descriptor = descriptor
    const { records, isDamaged, round } = findRecords(read(descriptor))
    this.isDamaged = isDamaged
    this.#left = [...batchesOf(records)]
    for (const { token } of this.#left) this.#tokens.add(token)
    this.#end = records.at(-1)?.end ?? 0
    this.#round = round
    if (this.#left.length === 0) this.#beginAgain()
  }

  /** In bytes. */
  get length(): number {
    return this.#end
  }

  get isEmpty(): boolean {
    return this.#end === 0
  }

  /** Takes what another process left. It stays in the file until it is forgotten. */
  takeLeft(): readonly LeftBatch[] {
    return this.#left.splice(0)
  }

  /**
   * Keeps lines of a batch.
   * @param lines in UTF-8, each with a line break
   * @throws if the file can't be written
   */
  add(token: string, lines: Uint8Array): void {
    const checksum = checksumOf(token, this.#round, lines)
    const header = Buffer.from(`#${token} ${checksum} ${lines.length} ${this.#round}${LINE_BREAK}`)
    const length = header.length + lines.length
    if (writevSync(this.#descriptor, [header, lines], this.#end) !== length)
      throw new Error("the disk is full")
    this.#end += length
    this.#tokens.add(token)
  }

  /** A batch is not needed any more. */
  forget(token: string): void {
    if (this.#tokens.delete(token) && this.#tokens.size === 0) this.#beginAgain()
  }

  close(): void {
    try {
      if (this.isEmpty) ftruncateSync(this.#descriptor, 0)
    } finally {
      closeSync(this.#descriptor)
    }
  }

  #beginAgain(): void {
    try {
      writeSync(this.#descriptor, EMPTY, 0)
      this.#end = 0
      this.#round++
    } catch {
      // It is filled further, up to its bound. A batch that the next process finds is stored once, by its token.
    }
  }
}

function read(descriptor: number): Buffer {
  const bytes = Buffer.alloc(Math.min(fstatSync(descriptor).size, MAX_READ_BYTES))
  return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0))
}

/** Returns the lines of each batch. */
function batchesOf(records: readonly JournalRecord[]): readonly LeftBatch[] {
  const byToken = Map.groupBy(
    records.filter(({ lines }) => lines !== null),
    ({ token }) => token,
  )
  return [...byToken].map(([token, of]) => ({ token, lines: of.flatMap(({ lines }) => lines ?? []) }))
}

/** Finds the records of the last round, in their order. */
function findRecords(bytes: Buffer): FoundRecords {
  const all = allRecords(bytes)
  const round = lastRound(all)
  if (bytes.length === 0 || bytes.toString("latin1", 0, EMPTY.length) === EMPTY)
    return { round, records: [], isDamaged: false }
  const records = all.filter((each) => each.round === round)
  const isWhole = records.every(
    ({ from, lines }, index) => lines !== null && from === (records[index - 1]?.end ?? 0),
  )
  // What is left of earlier rounds has lower numbers.
  const hasLater = all.some((each) => each.round > round)
  return { round, records, isDamaged: records.length === 0 || !isWhole || hasLater }
}

/** Only a whole record proves its round. A first one that is not may begin the round after that: the write was cut off. */
function lastRound(records: readonly JournalRecord[]): number {
  const proven = records.reduce(
    (last, { lines, round }) => (lines === null ? last : Math.max(last, round)),
    0,
  )
  const [first] = records
  return first?.from === 0 && first.round === proven + 1 ? first.round : proven
}

function allRecords(bytes: Buffer): readonly JournalRecord[] {
  const records: JournalRecord[] = []
  for (let at = 0; at < bytes.length; ) {
    const record = recordAt(bytes, at)
    if (record !== null) records.push(record)
    // The next line behind what is no record may begin one.
    at = record?.lines ? record.end : lineEnd(bytes, at)
  }
  return records
}

/** Includes the header: one that was half written over another could pass for that of the lines behind it. */
const checksumOf = (token: string, round: number, lines: Uint8Array): number =>
  crc32(lines, crc32(`${token} ${round}`))

/** Returns the position behind the line at a position. */
function lineEnd(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(LINE_BREAK, from)
  return at < 0 ? bytes.length : at + LINE_BREAK.length
}

/** Returns the record that begins at a position; null if none does. */
function recordAt(bytes: Buffer, from: number): JournalRecord | null {
  const head = bytes.toString("latin1", from, Math.min(lineEnd(bytes, from) - 1, from + MAX_HEADER_BYTES))
  const [header = "", token = "", checksum, length, round] = HEADER.exec(head) ?? []
  if (!TOKEN.test(token)) return null
  const textFrom = from + header.length + LINE_BREAK.length
  const end = textFrom + Number(length)
  const text = bytes.subarray(textFrom, end)
  const isWhole = end <= bytes.length && checksumOf(token, Number(round), text) === Number(checksum)
  const lines = isWhole ? text.toString().split(LINE_BREAK).slice(0, -1) : null
  return { round: Number(round), token, lines, from, end }
}
