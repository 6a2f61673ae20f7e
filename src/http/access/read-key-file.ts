import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs"
import { open } from "node:fs/promises"
import { KeyFileError } from "./key-file.ts"

/** The largest file of keys, in bytes: some 20,000 keys. All of it is read at each look, and kept. */
const MAX_FILE_BYTES = 4_194_304

/** A pipe is opened without waiting for somebody to write to it. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** A file of keys at a moment. */
export interface KeyFileReading {
  readonly text: string
  /** Changes with what is written, renamed or linked, as finely as the file system's clock ticks. */
  readonly version: string
}

/** Reads a file of keys, and waits for the disk: for the start, before anything is served. @throws {KeyFileError} */
export function readKeyFileSync(file: string): KeyFileReading {
  try {
    const descriptor = openSync(file, FLAGS)
    try {
      const version = versionOf(fstatSync(descriptor, { bigint: true }))
      return { version, text: readFileSync(descriptor, "utf8") }
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

/** Reads a file of keys without blocking the event loop. Rejects with a `KeyFileError`. */
export async function readKeyFile(file: string): Promise<KeyFileReading> {
  try {
    const handle = await open(file, FLAGS)
    try {
      const version = versionOf(await handle.stat({ bigint: true }))
      return { version, text: await handle.readFile("utf8") }
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

/** @throws for what is not a file, or too large. */
function versionOf(stats: BigIntStats): string {
  if (!stats.isFile()) throw new Error("it is not a file")
  if (stats.size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES} bytes`)
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(" ")
}

function unreadable(file: string, cause: unknown): KeyFileError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new KeyFileError(`API_KEYS_FILE ${file} can't be read: ${reason}`, { cause })
}
