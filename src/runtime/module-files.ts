import { readdir } from "node:fs/promises"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import type { ModuleFile } from "./messages.ts"

const MODULE_FILE = /\.(ts|js|mts|mjs)$/
const TYPES_ONLY = /\.d\.m?ts$/

/** Skips files that begin with `_` or `.`: modules import them, or they are no modules. */
const isModuleFile = (name: string): boolean =>
  MODULE_FILE.test(name) && !TYPES_ONLY.test(name) && !name.startsWith("_") && !name.startsWith(".")

/** Finds the handler modules of a folder, sorted by name. Rejects with the system's error if it can't be read. */
export async function findModuleFiles(dir: string): Promise<readonly ModuleFile[]> {
  const entries = await readdir(dir, { withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory() && isModuleFile(entry.name))
    .map(({ name }) => ({ name, path: pathToFileURL(resolve(join(dir, name))).href }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
