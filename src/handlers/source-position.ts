import { readFileSync, statSync } from "node:fs"
import { isAbsolute, relative } from "node:path"
import { tokenize } from "./source-tokens.ts"

/** A place in a file. */
export interface SourcePosition {
  readonly path: string
  /** Both count from 1. */
  readonly line: number
  readonly column: number
}

/** Lines that a code frame shows before and after the one that it points to. */
const LINES_BEFORE = 2
const LINES_AFTER = 1

/** Longest line of a code frame, in characters. */
const MAX_LINE_LENGTH = 120

/** Largest file that is read for a code frame. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

/** A tab in a code frame. */
const TAB = "  "

export function positionAt(path: string, source: string, offset: number): SourcePosition {
  const lines = source.slice(0, offset).split("\n")
  return { path, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
}

/** Finds the first place of a word or a string in a file. */
export function findText(path: string, text: string): SourcePosition | null {
  try {
    const source = readFileSync(path, "utf8")
    const token = tokenize(source).find((each) => each.text === text)
    return token === undefined ? null : positionAt(path, source, token.offset)
  } catch {
    // The position only helps: the message names the fault without it, too.
    return null
  }
}

/** Writes a position and the lines around it; without the lines if the file can't be read. */
export function describePosition(position: SourcePosition): string {
  const { path, line, column } = position
  return [`  at ${shortPath(path)}:${line}:${column}`, ...codeFrame(position)].join("\n")
}

/** Returns a path from the working folder, if it is below it. */
export function shortPath(path: string): string {
  const inFolder = relative(process.cwd(), path)
  const isBelow = inFolder !== "" && !inFolder.startsWith("..") && !isAbsolute(inFolder)
  return isBelow ? inFolder : path
}

/** Returns the lines around a position, and a mark below it; none if the file can't be read. */
export function codeFrame({ path, line, column }: SourcePosition): readonly string[] {
  const lines = linesOf(path)
  if (line > lines.length) return []
  const first = Math.max(1, line - LINES_BEFORE)
  const last = Math.min(lines.length, line + LINES_AFTER)
  const width = String(last).length
  return lines.slice(first - 1, last).flatMap((text, index) => {
    const number = first + index
    const isIt = number === line
    const shown = `${isIt ? ">" : " "} ${String(number).padStart(width)} | ${cut(text)}`.trimEnd()
    return isIt ? [shown, `  ${" ".repeat(width)} | ${indentOf(text, column)}^`] : [shown]
  })
}

function linesOf(path: string): readonly string[] {
  try {
    const { size } = statSync(path)
    // A pipe or a device, of size 0, may never end.
    if (size === 0 || size > MAX_FILE_BYTES) return []
    return readFileSync(path, "utf8").split(/\r?\n/)
  } catch {
    // The frame only helps: the message has the position without it, too.
    return []
  }
}

const cut = (text: string): string => text.replaceAll("\t", TAB).slice(0, MAX_LINE_LENGTH)

/** Returns spaces as wide as the text before the column. */
const indentOf = (text: string, column: number): string =>
  " ".repeat(Bun.stringWidth(cut(text.slice(0, column - 1))))
