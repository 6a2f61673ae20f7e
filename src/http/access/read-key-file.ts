import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs"
import { open } from "node:fs/promises"
import { reasonOf } from "../../system/reason-of.ts"
import { KeyFileError } from "./key-file.ts"

/** Largest keys file, in bytes: about 20,000 keys. Every read loads the whole file into memory. */
const MAX_FILE_BYTES = 4_194_304

/** Opens a pipe without waiting for a writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** The content of a keys file at one time. */
export interface KeyFileReading {
  readonly text: string
  /** Changes when the file is written, renamed or linked, with the resolution of the file system's clock. */
  readonly version: string
}

/** Reads a keys file synchronously, for the start, when no requests are served yet. @throws {KeyFileError} */
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

/** @throws if it is not a file or is too large. */
function versionOf(stats: BigIntStats): string {
  if (!stats.isFile()) throw new Error("not a file")
  if (stats.size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`)
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(" ")
}

function unreadable(file: string, cause: unknown): KeyFileError {
  const reason = reasonOf(cause)
  return new KeyFileError(`API_KEYS_FILE ${file} can't be read: ${reason}`, { cause })
}
