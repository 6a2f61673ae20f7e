import { posix } from "node:path"
import * as v from "valibot"
import { EventDraftSchema } from "../event/envelope.ts"
import { EVENT_TYPES } from "../event/event-type.ts"
import { suggest } from "../event/suggestion.ts"
import type { SchemaCatalog, SchemaFile } from "./schema-catalog.ts"

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
 * Finds files that are the schema of no event, and that no other schema refers to.
 * @param paths every path in the folder, with slashes. Hidden files and folders are skipped: mounts and editors make them
 */
export function findUnusedFiles(catalog: SchemaCatalog, paths: readonly string[]): readonly UnusedFile[] {
  const schemas = new Set(catalog.files.map(({ path }) => path))
  const used = new Set([
    ...catalog
      .all()
      .filter(({ name }) => isEventName(name))
      .map(({ path }) => path),
    ...catalog.files.flatMap(referredBy),
    // Others can refer to it by its `$id`, wherever it is.
    ...catalog.files.filter(({ schema }) => hasId(schema)).map(({ path }) => path),
  ])
  return paths
    .filter((path) => !path.split("/").some((part) => part.startsWith(".")))
    .filter((path) => (schemas.has(path) ? !used.has(path) : LIKE_A_SCHEMA.test(path)))
    .map((path) => ({ path, reason: schemas.has(path) ? explainPath(path) : "only *.json is read" }))
}

const hasId = (schema: unknown): boolean => typeof schema === "object" && schema !== null && "$id" in schema

/** The paths of the files that a schema refers to. */
function referredBy({ path, schema }: SchemaFile): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap((each) => referredBy({ path, schema: each }))
  if (typeof schema !== "object" || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key !== "$ref" || typeof value !== "string") return referredBy({ path, schema: value })
    const [file = ""] = value.split("#")
    return file === "" ? [] : [posix.join(posix.dirname(path), file)]
  })
}

/** Says why the path of a schema is that of no event. */
function explainPath(path: string): string {
  const [folder = "", ...rest] = path.split("/")
  if (rest.length === 0) return "it is in no folder of an event type"
  const type = suggest(folder, EVENT_TYPES)
  const file = rest.join(".")
  const name = file.replace(/(@\d{1,9})?\.json$/, "")
  if (type !== null && (type !== folder || rest.length > 1) && isEventName(name)) {
    return `did you mean ${type}/${file}?`
  }
  if (type !== folder) return "its folder is not the type of an event"
  return file.includes("@") ? "a version is a number after @" : "no event can have this name"
}
