import { readdirSync } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { codeOf, describeKind, explainCode } from "../system/text-file.ts"
import { ModuleLoadError } from "./module-load-error.ts"

/** A handler module's file. */
export interface ModuleFile {
  /** The file's name within `HANDLERS_DIR`, for messages. */
  readonly name: string
  readonly path: string
}

const MODULE_FILE = /\.(ts|js|mts|mjs)$/
const TYPES_ONLY = /\.d\.[cm]?ts$/

/** Other programs, which somebody may take for modules. */
const PROGRAM = /\.([cm]?[jt]sx?|py|rb|go|php|java|lua|sh)$/i

/** Skips files that begin with `_` or `.`: modules import them, or they are no modules. */
const isForOthers = (name: string): boolean =>
  TYPES_ONLY.test(name) || name.startsWith("_") || name.startsWith(".")

const isModuleFile = (name: string): boolean => MODULE_FILE.test(name) && !isForOthers(name)

/**
 * Finds the handler modules of a folder, sorted by name. Rejects with the system's error if it can't be read, and with a
 * `ModuleLoadError` if something has the name of a module and is no file.
 */
export async function findModuleFiles(dir: string): Promise<readonly ModuleFile[]> {
  const entries = await readdir(dir, { withFileTypes: true })
  const modules = entries.filter((entry) => !entry.isDirectory() && isModuleFile(entry.name))
  for (const { name } of modules) await requireFile(join(dir, name), name)
  return modules
    .map(({ name }) => ({ name, path: pathToFileURL(resolve(join(dir, name))).href }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** The import of a pipe or of a link to nothing says only that the module does not exist. */
async function requireFile(path: string, name: string): Promise<void> {
  try {
    const stats = await stat(path)
    if (!stats.isFile()) throw new ModuleLoadError(name, [{ message: describeKind(stats), at: null }])
  } catch (cause) {
    if (cause instanceof ModuleLoadError) throw cause
    const code = codeOf(cause)
    const message = code === "ENOENT" ? "is a link to something that does not exist" : explainCode(code)
    throw new ModuleLoadError(name, [{ message, at: null }])
  }
}

/** Finds the programs of a folder that are not loaded, because only some endings are those of a module, sorted by name. */
export function findOtherPrograms(dir: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && PROGRAM.test(entry.name))
    .map(({ name }) => name)
    .filter((name) => !MODULE_FILE.test(name) && !isForOthers(name))
    .toSorted()
}
