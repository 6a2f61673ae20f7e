import { basename } from "node:path"
import { fileURLToPath } from "node:url"
import type { ModuleFile } from "../module-files.ts"
import { type ModuleFault, ModuleLoadError } from "../module-load-error.ts"
import { findText, type SourcePosition } from "../source-position.ts"

type BuildLog = BuildMessage | ResolveMessage

/** Most faults of a module that are told. */
const MAX_FAULTS = 10

/** The name under which a project's modules import the types. No such package is installed, or has to be. */
const TYPES_PACKAGE = "event-broker"

/** The import that the transpiler adds for markup in a file. */
const JSX_IMPORT = /^react\/jsx-(dev-)?runtime$/

const MISSING_EXPORT = /^No matching export in "(.*)" for import "(.*)"$/

const isRelative = (specifier: string): boolean => /^(\.{0,2}\/|file:)/.test(specifier)

/** Makes the error of a module that can't be bundled. */
export function explainBuildFailure(file: ModuleFile, logs: readonly BuildLog[]): ModuleLoadError {
  const errors = logs.filter(({ level }) => level === "error")
  const told = (errors.length > 0 ? errors : logs).filter(isCause).slice(0, MAX_FAULTS)
  return new ModuleLoadError(
    file.name,
    told.map((log) => explain(log, fileURLToPath(file.path))),
  )
}

/** Returns false for a syntax error after another one in the same file, which probably caused it. */
function isCause(log: BuildLog, place: number, logs: readonly BuildLog[]): boolean {
  const isSame = (other: BuildLog): boolean =>
    isSyntaxError(other) && other.position?.file === log.position?.file
  return !isSyntaxError(log) || !logs.slice(0, place).some(isSame)
}

const isSyntaxError = (log: BuildLog): boolean =>
  !(log instanceof ResolveMessage) && !MISSING_EXPORT.test(log.message)

function explain(log: BuildLog, path: string): ModuleFault {
  const at = positionOf(log)
  if (log instanceof ResolveMessage) return { message: explainMissing(log.specifier, path), at }
  const [, source = "", name] = MISSING_EXPORT.exec(log.message) ?? []
  if (name !== undefined) return { message: `imports ${name}, which ${basename(source)} does not export`, at }
  return { message: `syntax error: ${log.message}`, at }
}

function explainMissing(specifier: string, path: string): string {
  if (JSX_IMPORT.test(specifier) && findText(path, specifier) === null)
    return "has markup, HTML or JSX, which a handler module can't have"
  if (isRelative(specifier)) return `imports "${specifier}", which does not exist`
  const name = packageOf(specifier)
  if (name === TYPES_PACKAGE)
    return `imports a value of "${specifier}", which has only types: write import type`
  const advice = `install it in the folder of the module, such as with "npm install ${name}"`
  return `imports the package "${specifier}", which is not installed: ${advice}`
}

/** Returns the package of a specifier: `name` of `name/part`, `@scope/name` of `@scope/name/part`. */
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

/** The transpiler adds imports that are nowhere in the file, at line -1. */
const positionOf = ({ position }: BuildLog): SourcePosition | null =>
  position === null || position.line < 1
    ? null
    : { path: position.file, line: position.line, column: position.column }
