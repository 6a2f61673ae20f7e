import { readdirSync } from "node:fs"
import { join, resolve, sep } from "node:path"
import { JsonFault, parseJsonFile } from "../event/json-fault.ts"
import { reasonOf } from "../system/reason-of.ts"
import { readTextFile, TextFileError } from "../system/text-file.ts"
import type { SchemaFile } from "./schema-catalog.ts"
import { eachFile, SchemaFileError } from "./schema-file-error.ts"

/** Largest schema file, in bytes. */
const MAX_FILE_BYTES = 16_777_216

/**
 * Reads every `.json` file of a folder and of the folders in it.
 * @throws {SchemaFileError} if the folder can't be read, or files are not JSON
 */
export function readSchemaFiles(folder: string): readonly SchemaFile[] {
  const found = listSchemaFolder(folder).filter((path) => path.endsWith(".json"))
  const files = found.map((path) => ({ path }))
  return eachFile(files, ({ path }) => {
    try {
      const text = readTextFile(join(folder, path), MAX_FILE_BYTES)
      if (text === null) throw new TextFileError("does not exist")
      return { path, schema: parseJsonFile(text) }
    } catch (cause) {
      if (cause instanceof JsonFault) {
        const { line, column, message } = cause
        throw new SchemaFileError(`${path}:${line}:${column}`, `it is not JSON: ${message}`, { cause })
      }
      if (cause instanceof TextFileError) throw new SchemaFileError(path, `it ${cause.message}`, { cause })
      throw new SchemaFileError(path, reasonOf(cause), { cause })
    }
  })
}

/**
 * Lists what is in a folder and in the folders in it: paths within the folder, with slashes, sorted.
 * @throws {SchemaFileError} if the folder can't be read
 */
export function listSchemaFolder(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
    return names.map((name) => name.split(sep).join("/")).toSorted()
  } catch (cause) {
    const reason = reasonOf(cause)
    throw new SchemaFileError(`folder ${resolve(folder)}`, reason, { cause })
  }
}
