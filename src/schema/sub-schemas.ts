import { escapePointer } from "../event/validate.ts"

/** A schema that is an object. */
export type SchemaObject = Readonly<Record<string, unknown>>

/** Keywords whose value is a schema, a list of schemas, or schemas by name. Source: JSON Schema 2020-12. */
const ONE = [
  "additionalProperties",
  "contains",
  "contentSchema",
  "else",
  "if",
  "items",
  "not",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
]
const LISTS = ["allOf", "anyOf", "oneOf", "prefixItems"]
const BY_NAME = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"]

export const isSchemaObject = (value: unknown): value is SchemaObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Calls back for a schema and for every schema in it, with its JSON pointer. Skips values such as that of `const`. */
export function visitSchemas(
  schema: unknown,
  visit: (schema: SchemaObject, pointer: string) => void,
  pointer = "",
): void {
  mapSchemas(
    schema,
    (each, at) => {
      visit(each, at)
      return each
    },
    pointer,
  )
}

/** Copies a schema. The callback maps it and every schema in it. */
export function mapSchemas(
  schema: unknown,
  change: (schema: SchemaObject, pointer: string) => SchemaObject,
  pointer = "",
): unknown {
  if (!isSchemaObject(schema)) return schema
  const copy: Record<string, unknown> = { ...change(schema, pointer) }
  const below = (value: unknown, ...steps: (string | number)[]): unknown =>
    mapSchemas(value, change, pointer + steps.map((step) => `/${escapePointer(String(step))}`).join(""))
  for (const keyword of ONE) {
    if (isSchemaObject(copy[keyword])) copy[keyword] = below(copy[keyword], keyword)
  }
  for (const keyword of LISTS) {
    const list = copy[keyword]
    if (Array.isArray(list)) copy[keyword] = list.map((each, index) => below(each, keyword, index))
  }
  for (const keyword of BY_NAME) {
    const named = copy[keyword]
    if (!isSchemaObject(named)) continue
    copy[keyword] = Object.fromEntries(
      Object.entries(named).map(([name, each]) => [name, below(each, keyword, name)]),
    )
  }
  return copy
}
