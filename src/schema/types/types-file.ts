import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { readTextFile } from "../../system/text-file.ts"
import { SchemaCatalog, type SchemaFile } from "../schema-catalog.ts"
import { payloadTypes } from "./payload-types.ts"

/** The file with the types of payloads, in the folder of a project. Its `tsconfig.json` includes it. */
export const TYPES_FILE = "types/event-payloads.ts"

/** The types of handler modules, to which those of payloads belong. `event-broker init` makes both. */
const PROJECT_FILE = "types/event-broker.ts"

/** A larger file was not written by us. */
const MAX_FILE_BYTES = 67_108_864

/** Returns true if the current folder is that of a project that `event-broker init` has made. */
export const isProject = (): boolean => existsSync(PROJECT_FILE)

/**
 * Returns the text that the file of types has to have.
 * @throws {SchemaFileError} if a schema can't be used
 */
export const typesFor = (schemas: readonly SchemaFile[]): string => payloadTypes(new SchemaCatalog(schemas))

/** Returns true if the file of types has this text. Line ends may be those of Windows, because Git can change them. */
export const hasTypes = (text: string): boolean =>
  readTextFile(TYPES_FILE, MAX_FILE_BYTES)?.replaceAll("\r\n", "\n") === text

/**
 * Writes the file of types, unless it has this text.
 * @returns true if it was written
 */
export function writeTypes(text: string): boolean {
  if (hasTypes(text)) return false
  mkdirSync(dirname(TYPES_FILE), { recursive: true })
  writeFileSync(TYPES_FILE, text)
  return true
}
