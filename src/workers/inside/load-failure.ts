import { fileURLToPath } from "node:url"
import { summarizeError } from "../../event/failure.ts"
import { EXITS, type ModuleFault } from "../../handlers/module-load-error.ts"
import type { SourcePosition } from "../../handlers/source-position.ts"

/** A place in a stack: `at name (/path:line:column)`, or without a name. */
const STACK_PLACE = /^\s*at (?:.*\()?(\/.*?):(\d+):(\d+)\)?$/gm

const TEST_FILE = /\.(test|spec)\.\w+$/
const TEST_ADVICE = " (every file in HANDLERS_DIR is loaded as a module: put tests into another folder)"

/** Causes of an error that are named. A chain may be endless: an error can be its own cause. */
const MAX_CAUSES = 5

/**
 * Explains the error that a module's own code throws while it is loaded.
 * @param module the module's URL
 * @param what what happened, to continue "handler module voice.ts:"
 */
export function explainLoadFailure(
  thrown: unknown,
  module: string,
  what = "threw an error while it was loaded",
): ModuleFault {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) {
    return explainLoadFailure(thrown.errors[0], module, what)
  }
  const path = fileURLToPath(module)
  if (thrown instanceof ResolveMessage) return { message: explainComputed(thrown), at: null }
  const { name, message, stack } = summarizeError(thrown)
  const error = thrown instanceof Error ? `${name}: ${message}${causesOf(thrown)}` : message
  const advice = TEST_FILE.test(path) ? TEST_ADVICE : ""
  return {
    message: `${what}: ${error}${advice}`,
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

/** The bundle has every import whose name is written out. The others are looked for when they run, from no folder. */
const explainComputed = ({ specifier }: ResolveMessage): string =>
  `imports "${specifier}", which does not exist, or has a computed name that is not absolute: ` +
  "write new URL(name, import.meta.url).href"

function causesOf(error: Error): string {
  let text = ""
  let { cause } = error
  for (let left = MAX_CAUSES; left > 0 && cause instanceof Error; left--) {
    text += `; caused by ${cause.name}: ${cause.message}`
    cause = cause.cause
  }
  return text
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
