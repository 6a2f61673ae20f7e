import { isSchemaObject, type SchemaObject } from "../sub-schemas.ts"
import { hasOwnAddress, type Place, type SchemaDocuments } from "./schema-documents.ts"
import { SharedTypes } from "./shared-types.ts"
import {
  intersection,
  listOf,
  literal,
  type Member,
  NEVER,
  named,
  objectOf,
  type TypeText,
  tupleOf,
  UNKNOWN,
  union,
} from "./type-text.ts"

type Kind = (typeof KINDS)[number]

const KINDS = ["string", "number", "boolean", "array", "object", "null"] as const

/** Keywords that say more about a value than its kind. */
const STRUCTURE = ["const", "enum", "properties", "required", "additionalProperties", "items", "prefixItems"]

/** The place of a schema, and the shared type that it is a part of: null below a property or an item. */
interface Scope extends Place {
  readonly within: string | null
}

/**
 * Writes the types of schemas. A type accepts every value that its schema accepts, and possibly more: keywords that
 * TypeScript has no type for are left out.
 */
export class TypeWriter {
  readonly #documents: SchemaDocuments
  readonly #shared = new SharedTypes()

  constructor(documents: SchemaDocuments) {
    this.#documents = documents
  }

  /** Returns the type of a payload, which is always an object. */
  payloadOf(path: string): TypeText {
    const place = this.#documents.file(path)
    return place === null ? UNKNOWN : this.#typeOf({ ...place, within: null }, ["object"])
  }

  /** The types that those of the payloads refer to, by name. */
  shared(): ReadonlyMap<string, string> {
    return this.#shared.all()
  }

  /** @param kinds what the value can be, by the schemas around this one */
  #typeOf(scope: Scope, kinds: readonly Kind[]): TypeText {
    const { schema, document } = scope
    if (schema === false) return NEVER
    const isKnown = isSchemaObject(schema) && (schema === document.schema || !hasOwnAddress(schema))
    if (!isKnown) return this.#kindsOnly(scope, {}, kinds)
    const allowed = kindsOf(schema, kinds)
    const parts = this.#partsOf(scope, schema, allowed)
    const isPlain = !STRUCTURE.some((keyword) => keyword in schema)
    // What is plain adds nothing to the parts, which have the same kinds.
    const own = isPlain && parts.length > 0 ? [] : [this.#ownType(scope, schema, allowed)]
    return intersection([...own, ...parts])
  }

  /** The types of the schemas that apply to the same value. */
  #partsOf(scope: Scope, schema: SchemaObject, kinds: readonly Kind[]): readonly TypeText[] {
    const each = (value: unknown): readonly TypeText[] =>
      Array.isArray(value) ? value.map((part) => this.#typeOf({ ...scope, schema: part }, kinds)) : []
    const { $ref, allOf, anyOf, oneOf } = schema
    const choices = [anyOf, oneOf].filter((list) => Array.isArray(list))
    return [
      ...(typeof $ref === "string" ? [this.#referred($ref, scope, kinds)] : []),
      ...each(allOf),
      ...choices.map((list) => union(each(list))),
    ]
  }

  #referred(reference: string, { document, within }: Scope, kinds: readonly Kind[]): TypeText {
    const place = this.#documents.follow(reference, document)
    const here: Scope = { document, schema: {}, pointer: "", within }
    if (place === null) return this.#kindsOnly(here, {}, kinds)
    const allowed = isSchemaObject(place.schema) ? kindsOf(place.schema, kinds) : kinds
    const { path } = place.document
    const key = `${path}#${place.pointer} ${allowed.join()}`
    const write = (): TypeText => this.#typeOf({ ...place, within: key }, allowed)
    const fallback = this.#kindsOnly(here, {}, allowed)
    return this.#shared.use(key, { path, pointer: place.pointer, within, write, fallback })
  }

  /** The type that the schema's own keywords describe. */
  #ownType(scope: Scope, schema: SchemaObject, kinds: readonly Kind[]): TypeText {
    const values: unknown = "const" in schema ? [schema["const"]] : schema["enum"]
    if (Array.isArray(values))
      return union(values.filter((each) => kinds.includes(kindOf(each))).map(literal))
    return this.#kindsOnly(scope, schema, kinds)
  }

  #kindsOnly(scope: Scope, schema: SchemaObject, kinds: readonly Kind[]): TypeText {
    if (kinds.length === KINDS.length) return UNKNOWN
    return union(
      kinds.map((kind) => {
        if (kind === "object") return this.#objectType(scope, schema)
        return kind === "array" ? this.#listType(scope, schema) : named(kind)
      }),
    )
  }

  #objectType(scope: Scope, schema: SchemaObject): TypeText {
    const { patternProperties, additionalProperties = true } = schema
    const properties = isSchemaObject(schema["properties"]) ? schema["properties"] : {}
    const required: readonly unknown[] = Array.isArray(schema["required"]) ? schema["required"] : []
    const names = new Set([...Object.keys(properties), ...required.map(String)])
    const members = [...names].map((name): Member => {
      const property = Object.hasOwn(properties, name) ? properties[name] : {}
      const type = this.#below(scope, property)
      return { name, type, isOptional: !required.includes(name), comment: commentOf(property) }
    })
    if (patternProperties !== undefined) return objectOf(members, UNKNOWN)
    if (additionalProperties === false) return objectOf(members, null)
    // The members with names need to have the type of the others, too, which only `unknown` is sure to be.
    return objectOf(members, names.size === 0 ? this.#below(scope, additionalProperties) : UNKNOWN)
  }

  /** Schemas in `prefixItems` are those of all items: the compiler refuses a list that could have fewer or more. */
  #listType(scope: Scope, { prefixItems, items }: SchemaObject): TypeText {
    if (Array.isArray(prefixItems)) return tupleOf(prefixItems.map((item) => this.#below(scope, item)))
    return listOf(this.#below(scope, items ?? {}))
  }

  #below(scope: Scope, schema: unknown): TypeText {
    return this.#typeOf({ ...scope, schema, within: null }, KINDS)
  }
}

function kindOf(value: unknown): Kind {
  if (value === null) return "null"
  if (Array.isArray(value)) return "array"
  return KINDS.find((kind) => kind === typeof value) ?? "object"
}

/** Returns which of the kinds a schema allows. */
function kindsOf({ type, nullable }: SchemaObject, kinds: readonly Kind[]): readonly Kind[] {
  if (type === undefined) return kinds
  const types = [type].flat().map((each) => (each === "integer" ? "number" : each))
  return kinds.filter((kind) => types.includes(kind) || (kind === "null" && nullable === true))
}

function commentOf(schema: unknown): string {
  if (!isSchemaObject(schema)) return ""
  const text = typeof schema["description"] === "string" ? schema["description"] : ""
  return schema["deprecated"] === true ? `${text}\n@deprecated` : text
}
