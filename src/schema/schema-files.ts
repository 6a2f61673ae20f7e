import { readdirSync, readFileSync } from "node:fs"
import { join, relative, resolve, sep } from "node:path"
import { JsonFault, parseJsonFile } from "./json-file.ts"
import { type SchemaFile, SchemaFileError } from "./schema-catalog.ts"

/**
 * Reads every `.json` file of a folder and of the folders in it.
 * @throws {SchemaFileError} if the folder can't be read, or a file is not JSON
 */
export function readSchemaFiles(folder: string): readonly SchemaFile[] {
  return pathsIn(folder).map((path) => {
    const name = relative(folder, path).split(sep).join("/")
    try {
      return { path: name, schema: parseJsonFile(readFileSync(path, "utf8")) }
    } catch (cause) {
      if (cause instanceof JsonFault) {
        const { line, column, message } = cause
        throw new SchemaFileError(`${name}:${line}:${column}`, `it is not JSON: ${message}`, { cause })
      }
      throw new SchemaFileError(name, cause instanceof Error ? cause.message : String(cause), { cause })
    }
  })
}

function pathsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".json"))
      .toSorted()
      .map((name) => join(folder, name))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SchemaFileError(`folder ${resolve(folder)}`, reason, { cause })
  }
}
