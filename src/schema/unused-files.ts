import * as v from "valibot"
import { EventDraftSchema } from "../event/envelope.ts"
import { EVENT_TYPES } from "../event/event-type.ts"
import { withoutType } from "../event/repeated-type.ts"
import { suggest } from "../event/suggestion.ts"
import type { SchemaCatalog, SchemaFile } from "./schema-catalog.ts"
import { BASE } from "./schema-compiler.ts"
import { isSchemaObject, visitSchemas } from "./sub-schemas.ts"

/** A file in the folder of schemas that has no effect. */
export interface UnusedFile {
  readonly path: string
  /** Says why, or what was probably meant. */
  readonly reason: string
}

/** Other files that probably were meant as schemas. Notes and licences may be there, too. */
const LIKE_A_SCHEMA = /\.(json\w*|ya?ml|schema)(\.\w+)?$/i

const isEventName = (name: string): boolean => v.is(EventDraftSchema.entries.name, name)

/**
 * Finds files that are the schema of no event, or probably of another than meant, and that no other schema refers to.
 * @param paths every path in the folder, with slashes. Hidden files and folders are skipped: mounts and editors make them
 */
export function findUnusedFiles(catalog: SchemaCatalog, paths: readonly string[]): readonly UnusedFile[] {
  const references = new Set(catalog.files.flatMap(referencesOf))
  const referred = catalog.files.filter((file) => addressesOf(file).some((each) => references.has(each)))
  const schemas = new Map(catalog.files.map(({ path }) => [path, explainPath(path)]))
  for (const { path } of referred) schemas.set(path, null)
  return paths
    .filter((path) => !path.split("/").some((part) => part.startsWith(".")))
    .flatMap((path) => {
      const reason = schemas.get(path)
      if (reason === undefined)
        return LIKE_A_SCHEMA.test(path) ? [{ path, reason: "only *.json is read" }] : []
      return reason === null ? [] : [{ path, reason }]
    })
}

/** Returns the addresses of a schema: that of its file, and its own. */
function addressesOf({ path, schema }: SchemaFile): readonly string[] {
  const ofFile = addressOf(path, BASE)
  const id = isSchemaObject(schema) ? schema["$id"] : undefined
  return typeof id === "string" ? [ofFile, addressOf(id, ofFile)] : [ofFile]
}

/** Returns the addresses of other schemas that a schema refers to. */
function referencesOf(file: SchemaFile): readonly string[] {
  const own = addressesOf(file)
  const references: string[] = []
  visitSchemas(file.schema, ({ $ref, $dynamicRef }) => {
    for (const reference of [$ref, $dynamicRef]) {
      if (typeof reference === "string") references.push(addressOf(reference, own.at(-1) ?? BASE))
    }
  })
  return references.filter((each) => !own.includes(each))
}

/** Returns the address that a reference leads to, without a place in it. */
const addressOf = (reference: string, base: string): string =>
  URL.parse(reference.split("#")[0] ?? "", base)?.href ?? reference

/** Says why the path of a schema is that of no event, or of another than meant; null if neither. */
function explainPath(path: string): string | null {
  const [folder = "", ...rest] = path.split("/")
  const file = (rest.length === 0 ? folder : rest.join(".")).replace(/\.schema((?:@\d{1,9})?\.json)$/, "$1")
  const type =
    rest.length === 0
      ? (EVENT_TYPES.find((each) => withoutType(file, [each]) !== null) ?? null)
      : suggest(folder, EVENT_TYPES)
  const bare = type === null ? file : (withoutType(file, [type]) ?? file)
  const name = bare.replace(/(@\d{1,9})?\.json$/, "")
  if (type !== null && `${type}/${bare}` !== path && isEventName(name)) return `did you mean ${type}/${bare}?`
  if (rest.length === 0) return `it is in no folder of an event type; did you mean <type>/${file}?`
  if (type !== folder) return "its folder is not the type of an event"
  if (isEventName(name)) return null
  return file.includes("@") ? "a version is a number after @" : "no event can have this name"
}
