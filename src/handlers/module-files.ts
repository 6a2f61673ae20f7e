import { readdirSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"

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

/** Finds the handler modules of a folder, sorted by name. Rejects with the system's error if it can't be read. */
export async function findModuleFiles(dir: string): Promise<readonly ModuleFile[]> {
  const entries = await readdir(dir, { withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory() && isModuleFile(entry.name))
    .map(({ name }) => ({ name, path: pathToFileURL(resolve(join(dir, name))).href }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Finds the programs of a folder that are not loaded, because only some endings are those of a module, sorted by name. */
export function findOtherPrograms(dir: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && PROGRAM.test(entry.name))
    .map(({ name }) => name)
    .filter((name) => !MODULE_FILE.test(name) && !isForOthers(name))
    .toSorted()
}
