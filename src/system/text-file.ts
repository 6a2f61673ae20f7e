import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs"

/** Opens a pipe without waiting for a writer. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** A file can't be read as text. The message continues a sentence that begins with its path. */
export class TextFileError extends Error {
  override readonly name = "TextFileError"
}

/**
 * Reads a file of text in UTF-8; a byte order mark is left out.
 * @param maxBytes the size up to which it is read
 * @returns null if there is no such file
 * @throws {TextFileError} for something that is not a file, is too large, is not UTF-8, or can't be read
 */
export function readTextFile(path: string, maxBytes: number): string | null {
  const bytes = read(path, maxBytes)
  if (bytes === null) return null
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new TextFileError("is not text in UTF-8: save it in this encoding", { cause })
  }
}

function read(path: string, maxBytes: number): Uint8Array | null {
  try {
    const descriptor = openSync(path, FLAGS)
    try {
      const stats = fstatSync(descriptor)
      if (!stats.isFile()) throw new TextFileError(describeKind(stats))
      if (stats.size > maxBytes) throw new TextFileError(`is larger than ${maxBytes} bytes`)
      return readFileSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    if (cause instanceof TextFileError) throw cause
    const code = codeOf(cause)
    if (code === "ENOENT") return null
    throw new TextFileError(explainCode(code), { cause })
  }
}

/** Says what a path leads to, to continue a sentence that begins with the path. */
export function describeKind(stats: Stats): string {
  if (stats.isDirectory()) return "is a folder"
  return stats.isFile() ? "is a file" : "is neither a file nor a folder"
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  ENOTDIR: "is below something that is not a folder",
  EISDIR: "is a folder",
  EACCES: "can't be read: permission denied",
  EPERM: "can't be read: permission denied",
  ELOOP: "is a link that leads back to itself",
}

/** Puts the system's code for a path that can't be read in words, to continue a sentence that begins with the path. */
export const explainCode = (code: string): string => REASONS[code] ?? `can't be read (${code})`

/** Returns the system's code of an error; `unknown error` if it has none. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown error"
