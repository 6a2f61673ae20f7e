import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { ModuleFile } from "./module-files.ts"
import { positionAt, type SourcePosition } from "./source-position.ts"
import { type Token, tokenize } from "./source-tokens.ts"

/** Finds an option of a module in its source; null if it is not written there. */
export type LocateOption = (file: string, keys: readonly string[]) => SourcePosition | null

/** Brackets, with the levels that they open or close. */
const LEVELS: Readonly<Record<string, number>> = { "{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1 }

/** Tokens that stand before a property's name. */
const BEFORE_NAME: ReadonlySet<string> = new Set(["{", ",", "async", "*"])

/** Makes a function that finds options in these files. It reads a file at each call. */
export function locateIn(files: readonly ModuleFile[]): LocateOption {
  return (file, keys) => {
    const found = files.find(({ name }) => name === file)
    if (found === undefined) return null
    const path = fileURLToPath(found.path)
    try {
      const source = readFileSync(path, "utf8")
      const offset = offsetOfOption(source, keys)
      return offset === null ? null : positionAt(path, source, offset)
    } catch {
      // The position is a help; the fault itself is known without it.
      return null
    }
  }
}

/**
 * Finds a property of the object that a module exports by default, such as `retry.attempts`. If the whole path is not
 * written there, it finds the longest part of it; without a key, the export itself.
 * @returns the offset in characters; null if the first key, or the export, is not there
 */
export function offsetOfOption(source: string, keys: readonly string[]): number | null {
  const tokens = tokenize(source)
  let object = exportedObject(tokens)
  let offset = keys.length === 0 ? offsetOfExport(tokens) : null
  for (const key of keys) {
    const name = object === null ? null : findName(tokens, object, key)
    if (name === null) break
    offset = tokens[name]?.offset ?? null
    const opensObject = tokens[name + 1]?.text === ":" && tokens[name + 2]?.text === "{"
    object = opensObject ? name + 2 : null
  }
  return offset
}

function offsetOfExport(tokens: readonly Token[]): number | null {
  const start = findPair(tokens, "export", "default")
  return start === null ? null : (tokens[start]?.offset ?? null)
}

/** Finds the brace that opens the exported object; returns its index, or null. */
function exportedObject(tokens: readonly Token[]): number | null {
  const start = findPair(tokens, "export", "default")
  if (start === null) return null
  const [first, second] = tokens.slice(start + 2, start + 4)
  const isVariable = first?.kind === "word" && second?.text !== "("
  if (!isVariable) return nextSign(tokens, start, "{")
  const declared =
    findPair(tokens, "const", first.text) ??
    findPair(tokens, "let", first.text) ??
    findPair(tokens, "var", first.text)
  const assigned = declared === null ? null : nextSign(tokens, declared, "=")
  return assigned === null ? null : nextSign(tokens, assigned, "{")
}

function nextSign(tokens: readonly Token[], after: number, sign: string): number | null {
  const place = tokens.findIndex(({ kind, text }, at) => at > after && kind === "sign" && text === sign)
  return place < 0 ? null : place
}

function findPair(tokens: readonly Token[], first: string, second: string): number | null {
  const place = tokens.findIndex(({ text }, at) => text === first && tokens[at + 1]?.text === second)
  return place < 0 ? null : place
}

function findName(tokens: readonly Token[], brace: number, key: string): number | null {
  let level = 0
  for (let place = brace; place < tokens.length; place++) {
    const { kind, text } = tokens[place] ?? { kind: "sign", text: "" }
    if (kind === "sign") level += LEVELS[text] ?? 0
    if (level === 0) return null
    const isName = kind === "word" || kind === "string"
    if (level === 1 && isName && text === key && BEFORE_NAME.has(tokens[place - 1]?.text ?? "")) return place
  }
  return null
}
