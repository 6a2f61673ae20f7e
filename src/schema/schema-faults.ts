import type { ErrorObject } from "ajv/dist/2020.js"
import { didYouMean, suggest } from "../event/suggestion.ts"
import { faultMessage } from "./fault-message.ts"
import { isSchemaObject, type SchemaObject, visitSchemas } from "./sub-schemas.ts"

/** The only dialect. Source: JSON Schema 2020-12, core, section 8.1.1. */
const DIALECT = "https://json-schema.org/draft/2020-12/schema"

/** Explains why a schema is not one of its dialect, with the JSON pointer of the deepest fault. */
export function explainInvalid(errors: readonly ErrorObject[], schema: SchemaObject): string {
  const [error] = errors.toSorted((one, other) => depthOf(other) - depthOf(one))
  if (error === undefined) return "it breaks the rules of its dialect"
  const sentence = `${pointerOf(error.instancePath)} ${faultMessage(error)}`
  const value = valueAt(schema, error.instancePath)
  const allowed: unknown = error.params["allowedValues"]
  const words = Array.isArray(allowed) ? allowed.map(String) : []
  const nearest = typeof value === "string" ? suggest(value, words) : null
  return nearest === null ? sentence : `${sentence}; did you mean ${JSON.stringify(nearest)}?`
}

const depthOf = ({ instancePath }: ErrorObject): number => instancePath.split("/").length

/** The pointer of the whole document is empty. */
const pointerOf = (pointer: string): string => (pointer === "" ? "the schema" : pointer)

function valueAt(document: unknown, pointer: string): unknown {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((value: unknown, step) => {
      if (Array.isArray(value)) return value[Number(step)]
      return isSchemaObject(value) ? value[step] : undefined
    }, document)
}

/** Explains why `$schema` names no dialect that schemas can have here; null if it does not. */
export function explainDialect({ $schema }: SchemaObject): string | null {
  if ($schema === undefined || (typeof $schema === "string" && $schema.replace(/#$/, "") === DIALECT))
    return null
  return `/$schema must be ${DIALECT} or absent, not ${JSON.stringify($schema)}`
}

/** Finds a word in the place of a keyword that is none; returns null if there is none. */
export function explainUnknownKeyword(schema: unknown, keywords: readonly string[]): string | null {
  const found: string[] = []
  visitSchemas(schema, (each, pointer) => {
    for (const name of Object.keys(each)) {
      if (keywords.includes(name)) continue
      const advice = didYouMean(name, keywords)
      found.push(`unknown keyword ${JSON.stringify(name)} in ${pointerOf(pointer)}${advice}`)
    }
  })
  return found[0] ?? null
}

/**
 * Explains a reference that leads to no schema.
 * @param missing URL of what the reference leads to
 * @param documents every schema by its path
 * @param base URL of their folder
 */
export function explainMissingReference(
  missing: string,
  documents: ReadonlyMap<string, unknown>,
  base: string,
): string {
  const target = missing.startsWith(base) ? missing.slice(base.length) : missing
  const [file = "", within = ""] = target.split("#")
  const place = placeOfReference(missing, documents, base) ?? "a reference"
  if (documents.has(file)) return `${place} leads to no schema: ${file} has nothing at #${within}`
  const advice = didYouMean(file, [...documents.keys()])
  return `${place} leads to no schema: there is no file ${file} in the folder${advice}`
}

function placeOfReference(
  missing: string,
  documents: ReadonlyMap<string, unknown>,
  base: string,
): string | null {
  const places: string[] = []
  for (const [path, schema] of documents) {
    visitSchemas(schema, ({ $ref }, pointer) => {
      const isIt = typeof $ref === "string" && URL.parse($ref, base + path)?.href === missing
      if (isIt) places.push(`${pointer}/$ref of ${path}`)
    })
  }
  return places[0] ?? null
}
