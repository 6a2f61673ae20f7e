import { lstatSync } from "node:fs"
import { resolve } from "node:path"
import { parseEnv } from "node:util"
import { readTextFile, TextFileError } from "../system/text-file.ts"
import { ConfigError } from "./config-error.ts"

/** Largest file of variables, in bytes. */
const MAX_FILE_BYTES = 1_048_576

/**
 * An assignment, with a value over several lines if it is quoted. The same as what `parseEnv` of Node.js and Bun reads:
 * both take `NAME: value` as well.
 */
const ASSIGNMENT =
  /^\s*(?:export\s+)?[\w.-]+(?:\s*=|:\s)(?:\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?[^\S\n]*(?:#.*)?$/gm

/** The space before an assignment, its name, and the quote with which its value begins. */
const PARTS = /^(\s*)(?:export\s+)?([\w.-]+)(?:\s*=|:\s)\s*(['"`])?/

/** An assignment whose value ends with the quote with which it begins. */
const QUOTED = /(?:=|:\s)\s*(?:'(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`)[^\S\n]*(?:#.*)?$/

/**
 * Reads a file of variables. A line that is none, an open quote or a second value of a variable stops the start: the
 * variable that it was meant to set may be the one that keeps others out.
 * @returns no variables if there is no such file
 * @throws {ConfigError} if the file can't be read, or has such a line
 */
export function readEnvFile(file: string): Record<string, string | undefined> {
  const text = textOf(file)
  const fault = faultOf(text)
  if (fault === null) return parseEnv(text)
  throw new ConfigError([{ name: file, message: `${fault} (${resolve(file)})` }])
}

function textOf(file: string): string {
  try {
    const text = readTextFile(file, MAX_FILE_BYTES)
    if (text === null && isLink(file)) throw new TextFileError("is a link to something that does not exist")
    return text ?? ""
  } catch (error) {
    if (!(error instanceof TextFileError)) throw error
    const message = `must be a readable file of variables, if it exists: ${resolve(file)} ${error.message}`
    throw new ConfigError([{ name: file, message }])
  }
}

/** Says what is wrong with the text of a file of variables, to continue a sentence; null if nothing is. */
function faultOf(text: string): string | null {
  const line = lineWithoutAssignment(text)
  if (line !== null) return `assigns nothing on line ${line}: write NAME=value, or # before a comment`
  const lines = new Map<string, number>()
  for (const { 0: assignment, index } of text.matchAll(ASSIGNMENT)) {
    const [, space = "", name = "", quote] = PARTS.exec(assignment) ?? []
    const at = text.slice(0, index + space.length).split("\n").length
    if (quote !== undefined && !QUOTED.test(assignment)) {
      return `begins the value of ${name} on line ${at} with ${quote} and does not end it with ${quote}`
    }
    const before = lines.get(name)
    if (before !== undefined) return `sets ${name} on line ${before} and on line ${at}: remove one of them`
    lines.set(name, at)
  }
  return null
}

/** Returns the number of the first line that is neither an assignment, a comment nor empty; null if there is none. */
function lineWithoutAssignment(text: string): number | null {
  // The newlines of a value over several lines stay, so that lines keep their numbers.
  const rest = text.replace(ASSIGNMENT, (assignment) => assignment.replace(/[^\n]/g, ""))
  const at = rest.split("\n").findIndex((line) => !/^\s*(#.*)?$/.test(line))
  return at < 0 ? null : at + 1
}

const isLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
