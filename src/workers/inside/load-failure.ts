import { readFileSync } from "node:fs"
import { basename } from "node:path"
import { fileURLToPath } from "node:url"
import { summarizeError } from "../../event/failure.ts"
import { EXITS, type ModuleFault } from "../../handlers/module-load-error.ts"
import { positionAt, type SourcePosition } from "../../handlers/source-position.ts"
import { tokenize } from "../../handlers/source-tokens.ts"

/** A place in a stack: `at name (/path:line:column)`, or without a name. */
const STACK_PLACE = /^\s*at (?:.*\()?(\/.*?):(\d+):(\d+)\)?$/gm

/** The name under which a project's modules import the types. No such package is installed, or has to be. */
const TYPES_PACKAGE = "event-broker"

/** The import that the transpiler adds for markup in a file. */
const JSX_IMPORT = /^react\/jsx-(dev-)?runtime$/

const MISSING_EXPORT = /^Export named '(.*)' not found in module '(.*)'/

const TEST_FILE = /\.(test|spec)\.\w+$/
const TEST_ADVICE = " (every file in HANDLERS_DIR is loaded as a module: put tests into another folder)"

/** Causes of an error that are named. A chain may be endless: an error can be its own cause. */
const MAX_CAUSES = 5

/**
 * Explains the error of a module's import: a syntax error, a missing import, or an error that the module's own code
 * throws.
 * @param module the module's URL
 */
export function explainLoadFailure(thrown: unknown, module: string): ModuleFault {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) {
    return explainLoadFailure(thrown.errors[0], module)
  }
  const path = fileURLToPath(module)
  if (thrown instanceof BuildMessage) {
    return { message: `syntax error: ${thrown.message}`, at: positionOf(thrown) }
  }
  if (thrown instanceof ResolveMessage) return explainMissing(thrown, path)
  const { name, message, stack } = summarizeError(thrown)
  const [, missing, source = ""] = MISSING_EXPORT.exec(message) ?? []
  if (thrown instanceof SyntaxError && missing !== undefined) {
    return {
      message: `imports ${missing}, which ${basename(source)} does not export`,
      at: findText(path, missing),
    }
  }
  const what = thrown instanceof Error ? `${name}: ${message}${causesOf(thrown)}` : message
  const advice = TEST_FILE.test(path) ? TEST_ADVICE : ""
  return {
    message: `threw an error while it was loaded: ${what}${advice}`,
    at: placeInStack(stack ?? "", path),
  }
}

/**
 * Explains that a module ends its worker by `process.exit` while it is loaded. Call it below that call: the stack has its
 * place.
 * @param module the module's URL
 */
export function explainExit(module: string): ModuleFault {
  const path = fileURLToPath(module)
  const places = placesIn(new Error("exit").stack ?? "")
  return { message: EXITS, at: places.find((place) => place.path === path) ?? null }
}

function explainMissing({ message, specifier, referrer }: ResolveMessage, path: string): ModuleFault {
  const from = referrer || path
  if (JSX_IMPORT.test(specifier) && findText(from, specifier) === null) {
    return { message: "has markup, HTML or JSX, which a handler module can't have", at: null }
  }
  const at = findText(from, specifier)
  if (!message.startsWith("Cannot find package")) {
    return { message: `imports "${specifier}", which does not exist`, at }
  }
  if (packageOf(specifier) === TYPES_PACKAGE) {
    return { message: `imports a value of "${specifier}", which has only types: write import type`, at }
  }
  const advice = `install it in the folder of the module, such as with "npm install ${packageOf(specifier)}"`
  return { message: `imports the package "${specifier}", which is not installed: ${advice}`, at }
}

function causesOf(error: Error): string {
  let text = ""
  let { cause } = error
  for (let left = MAX_CAUSES; left > 0 && cause instanceof Error; left--) {
    text += `; caused by ${cause.name}: ${cause.message}`
    cause = cause.cause
  }
  return text
}

/** Returns the package of a specifier: `name` of `name/part`, `@scope/name` of `@scope/name/part`. */
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

function positionOf({ position }: BuildMessage): SourcePosition | null {
  return position === null ? null : { path: position.file, line: position.line, column: position.column }
}

/** Finds the first place of a word or a string in a file. */
function findText(path: string, text: string): SourcePosition | null {
  try {
    const source = readFileSync(path, "utf8")
    const token = tokenize(source).find((each) => each.text === text)
    return token === undefined ? null : positionAt(path, source, token.offset)
  } catch {
    // The position only helps: the message names the fault without it, too.
    return null
  }
}

/** Returns the innermost place of the module on the stack; if it is not there, the innermost place of all. */
function placeInStack(stack: string, path: string): SourcePosition | null {
  const places = placesIn(stack)
  return places.find((place) => place.path === path) ?? places[0] ?? null
}

const placesIn = (stack: string): readonly SourcePosition[] =>
  [...stack.matchAll(STACK_PLACE)].map(([, file = "", line, column]) => ({
    path: file,
    line: Number(line),
    column: Number(column),
  }))
