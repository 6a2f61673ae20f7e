import { fileURLToPath } from "node:url"
import { type ErrorSummary, summarizeError } from "../../event/failure.ts"
import type { ModuleFile } from "../../handlers/module-files.ts"
import type { LastWords } from "../messages.ts"
import type { LineWriter } from "./worker-log.ts"

/**
 * Describes why this worker ends by itself. Never throws: a handler module may have replaced what this needs.
 * @param writer the call that started what failed; null if none did, or if that can't be known
 * @param files the handler modules
 */
export function lastWords(
  cause: LastWords["cause"],
  thrown: unknown,
  writer: LineWriter | null,
  files: readonly ModuleFile[],
): LastWords {
  const error = summaryOf(thrown)
  try {
    const call = writer?.summary ?? null
    const module = call?.module ?? moduleIn(error.stack ?? "", files)
    return { cause, error, job: writer?.job ?? null, call, module }
  } catch {
    // Something that this needs was replaced. The error says more than nothing.
    return { cause, error, job: null, call: null, module: null }
  }
}

/** The error of a call of `process.exit` or `process.reallyExit`. Make it below that call: the stack has its place. */
export class ProcessExit extends Error {
  override readonly name = "ProcessExit"

  /** @param name what was called: `exit` or `reallyExit` */
  constructor(code: unknown, name: string) {
    super(`process.${name}(${code === undefined ? "" : String(code)}) was called`)
  }
}

function summaryOf(thrown: unknown): ErrorSummary {
  try {
    return summarizeError(thrown)
  } catch {
    // As above.
    return { name: "Error", message: "an error that can't be described" }
  }
}

/** Returns the name of the module whose file is innermost on the stack; null if none is. */
function moduleIn(stack: string, files: readonly ModuleFile[]): string | null {
  let [innermost, module]: [number, string | null] = [Number.POSITIVE_INFINITY, null]
  for (const { name, path } of files) {
    const at = stack.indexOf(`${fileURLToPath(path)}:`)
    if (at >= 0 && at < innermost) [innermost, module] = [at, name]
  }
  return module
}
