import { existsSync, fstatSync, openSync } from "node:fs"
import { JsonFault, parseJsonFile } from "../event/json-fault.ts"
import { codeOf, explainCode } from "../system/text-file.ts"
import { EXIT_USAGE } from "./exit-codes.ts"
import { CommandError } from "./service-client.ts"

/** The argument that means standard input. */
const STDIN = "-"

/** Largest input that is read as a whole, in bytes. No service takes a larger batch by default. */
const MAX_TEXT_BYTES = 67_108_864

/** A file, or standard input. */
export interface Input {
  readonly stream: ReadableStream<Uint8Array>
  /** How many bytes there are; null if that is not known. */
  readonly bytes: number | null
}

/** Names an input in messages. */
export const nameOf = (file: string): string => (file === STDIN ? "standard input" : file)

/** @throws {CommandError} if the file can't be read */
export function openInput(file: string): Input {
  try {
    const descriptor = file === STDIN ? 0 : openSync(file, "r")
    const stats = fstatSync(descriptor)
    if (!stats.isDirectory()) {
      const source = file === STDIN ? Bun.stdin : Bun.file(descriptor)
      return { stream: source.stream(), bytes: stats.isFile() ? stats.size : null }
    }
  } catch (error) {
    throw unreadable(file, error)
  }
  throw usage(`${nameOf(file)} is a folder: name a file`)
}

/**
 * Reads an input as text. Rejects with a `CommandError` if it can't be read, is too large, or is not UTF-8.
 * @param advice ends the message about a large input
 */
export async function readInput(file: string, advice = ""): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunksOf(file)) {
    size += chunk.length
    if (size > MAX_TEXT_BYTES) throw usage(`${nameOf(file)} is larger than ${MAX_TEXT_BYTES} bytes${advice}`)
    chunks.push(chunk)
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    // Otherwise the text would be used with replacement characters.
    throw usage(`${nameOf(file)} is not UTF-8`)
  }
}

async function* chunksOf(file: string): AsyncGenerator<Uint8Array> {
  const { stream } = openInput(file)
  try {
    yield* stream
  } catch (error) {
    throw unreadable(file, error)
  }
}

/**
 * Parses the text of an input as JSON.
 * @throws {CommandError} with the place of the fault
 */
export function parseInput(text: string, file: string): unknown {
  try {
    return parseJsonFile(text)
  } catch (error) {
    if (!(error instanceof JsonFault)) throw usage(`${nameOf(file)} is not JSON`)
    throw usage(`${nameOf(file)}:${error.line}:${error.column} is not JSON: ${error.message}`)
  }
}

/** Returns whether an argument that should name a file is JSON itself. */
export const isJsonArgument = (file: string): boolean => /^\s*[{[]/.test(file) && !existsSync(file)

/** The error for a file that can't be read, from the system's error. */
export const unreadable = (file: string, error: unknown): CommandError =>
  usage(
    file === ""
      ? "the name of the file is empty: name a file"
      : `${nameOf(file)} ${explainCode(codeOf(error))}`,
  )

/** The error for a command or an input that is wrong. */
export const usage = (message: string): CommandError => new CommandError(message, EXIT_USAGE)
