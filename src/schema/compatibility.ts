/**
 * Compares two versions of a schema. Two sides rely on a schema: publishers on what it accepts, handlers on what it
 * promises. Keywords that are not understood are named, not guessed.
 */
import { isDeepStrictEqual } from "node:util"
import { escapePointer } from "../event/validate.ts"

/** A change that breaks publishers or handlers. */
export interface Break {
  /** Publishers send what the old schema accepts; handlers rely on what it promises. */
  readonly breaks: "publishers" | "handlers"
  /** Place in the schema, as a JSON pointer. */
  readonly pointer: string
  readonly message: string
}

/** A keyword that has changed, with an effect that is not known. */
export interface Unknown {
  readonly pointer: string
  readonly keyword: string
}

export interface Comparison {
  readonly breaks: readonly Break[]
  readonly unknown: readonly Unknown[]
}

type Schema = Readonly<Record<string, unknown>>

/** Resolves a `$ref` of one of the two schemas; returns null if it leads nowhere. */
export type Resolve = (reference: string) => unknown

/** Keywords that do not affect what is accepted. */
const ANNOTATIONS = new Set([
  "$schema",
  "$id",
  "$anchor",
  "$comment",
  "$defs",
  "definitions",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
])

/** A greater value of the lower bounds accepts less; of the upper bounds, more. */
const LOWER_BOUNDS = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"]
const UPPER_BOUNDS = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"]

/** Keywords for which another value accepts other things, neither more nor less. */
const EXACT = ["pattern", "format", "multipleOf"]

const COMPARED = new Set([
  ...LOWER_BOUNDS,
  ...UPPER_BOUNDS,
  ...EXACT,
  "$ref",
  "type",
  "enum",
  "const",
  "required",
  "properties",
  "additionalProperties",
  "items",
  "uniqueItems",
])

const ALL_TYPES = ["null", "boolean", "object", "array", "number", "string"]

/** Longest chain of references to references that is followed. */
const MAX_HOPS = 50

/** Compares two versions of a schema. */
export function compareSchemas(
  before: unknown,
  after: unknown,
  resolve: { before: Resolve; after: Resolve },
): Comparison {
  const comparison = new SchemaComparison(resolve)
  comparison.compare(before, after, "")
  return comparison
}

class SchemaComparison implements Comparison {
  readonly breaks: Break[] = []
  readonly unknown: Unknown[] = []
  readonly #resolve: { readonly before: Resolve; readonly after: Resolve }
  /** Pairs that were compared, because schemas with references may lead back to themselves. */
  readonly #seen = new Set<string>()

  constructor(resolve: { readonly before: Resolve; readonly after: Resolve }) {
    this.#resolve = resolve
  }

  compare(before: unknown, after: unknown, pointer: string): void {
    const [from, to] = [objectOf(before)["$ref"], objectOf(after)["$ref"]]
    if (from !== undefined || to !== undefined) {
      const pair = JSON.stringify(from !== undefined && to !== undefined ? [from, to] : [before, after])
      if (this.#seen.has(pair)) return
      this.#seen.add(pair)
    }
    const [old, young] = [this.#open(before, "before"), this.#open(after, "after")]
    if (old === null || young === null) this.unknown.push({ pointer, keyword: "$ref" })
    else if (!isDeepStrictEqual(old, young) || "$ref" in old) this.#compareKeywords(old, young, pointer)
  }

  #compareKeywords(old: Schema, young: Schema, pointer: string): void {
    this.#compareTypes(old, young, pointer)
    this.#compareValues(old, young, pointer)
    this.#compareBounds(old, young, pointer)
    this.#compareRequired(old, young, pointer)
    this.#compareProperties(old, young, pointer)
    this.#compareItems(old, young, pointer)
    for (const keyword of new Set([...Object.keys(old), ...Object.keys(young)])) {
      const isCompared = COMPARED.has(keyword) || ANNOTATIONS.has(keyword)
      if (!isCompared && !isDeepStrictEqual(old[keyword], young[keyword]))
        this.unknown.push({ pointer, keyword })
    }
  }

  #compareTypes(old: Schema, young: Schema, pointer: string): void {
    const [oldTypes, youngTypes] = [typesOf(old), typesOf(young)]
    for (const type of oldTypes.filter((each) => !accepts(youngTypes, each))) {
      this.#breaksPublishers(`${pointer}/type`, `no longer accepts ${type}`)
    }
    for (const type of youngTypes.filter((each) => !accepts(oldTypes, each))) {
      this.#breaksHandlers(`${pointer}/type`, `may now be ${type}`)
    }
  }

  #compareValues(old: Schema, young: Schema, pointer: string): void {
    const [oldValues, youngValues] = [valuesOf(old), valuesOf(young)]
    if (isDeepStrictEqual(oldValues, youngValues)) return
    const at = `${pointer}/enum`
    if (oldValues === null || youngValues === null) {
      if (oldValues === null) this.#breaksPublishers(at, "now accepts some values only")
      else this.#breaksHandlers(at, "may now be any value")
      return
    }
    const lacks = (values: readonly unknown[]) => (value: unknown) =>
      !values.some((each) => isDeepStrictEqual(each, value))
    for (const value of oldValues.filter(lacks(youngValues))) {
      this.#breaksPublishers(at, `no longer accepts ${JSON.stringify(value)}`)
    }
    for (const value of youngValues.filter(lacks(oldValues))) {
      this.#breaksHandlers(at, `may now be ${JSON.stringify(value)}`)
    }
  }

  #compareBounds(old: Schema, young: Schema, pointer: string): void {
    for (const keyword of LOWER_BOUNDS) this.#compareBound(old, young, pointer, keyword, -Infinity, 1)
    for (const keyword of UPPER_BOUNDS) this.#compareBound(old, young, pointer, keyword, Infinity, -1)
    for (const keyword of EXACT) {
      if (old[keyword] === young[keyword]) continue
      const at = `${pointer}/${keyword}`
      const change = `${show(old[keyword])} has become ${show(young[keyword])}`
      if (young[keyword] !== undefined) this.#breaksPublishers(at, change)
      if (old[keyword] !== undefined) this.#breaksHandlers(at, change)
    }
  }

  #compareBound(
    old: Schema,
    young: Schema,
    pointer: string,
    keyword: string,
    none: number,
    sign: 1 | -1,
  ): void {
    const [oldBound, youngBound] = [Number(old[keyword] ?? none), Number(young[keyword] ?? none)]
    const change = `${show(old[keyword])} has become ${show(young[keyword])}`
    const at = `${pointer}/${keyword}`
    if (sign * youngBound > sign * oldBound) this.#breaksPublishers(at, change)
    if (sign * youngBound < sign * oldBound) this.#breaksHandlers(at, change)
  }

  #compareRequired(old: Schema, young: Schema, pointer: string): void {
    const [oldNames, youngNames] = [listOf(old["required"]), listOf(young["required"])]
    for (const name of youngNames.filter((each) => !oldNames.includes(each))) {
      this.#breaksPublishers(`${pointer}/required`, `${name} has to be there now`)
    }
    for (const name of oldNames.filter((each) => !youngNames.includes(each))) {
      this.#breaksHandlers(`${pointer}/required`, `${name} may now be missing`)
    }
  }

  #compareProperties(old: Schema, young: Schema, pointer: string): void {
    const [oldOnes, youngOnes] = [objectOf(old["properties"]), objectOf(young["properties"])]
    const [oldRest, youngRest] = [old["additionalProperties"] ?? true, young["additionalProperties"] ?? true]
    for (const name of new Set([...Object.keys(oldOnes), ...Object.keys(youngOnes)])) {
      const at = `${pointer}/properties/${escapePointer(name)}`
      // A new field breaks no handler: handlers ignore fields that they do not know.
      if (Object.hasOwn(oldOnes, name)) {
        if (!Object.hasOwn(youngOnes, name) && youngRest === false)
          this.#breaksPublishers(at, "is no longer accepted")
        else this.compare(oldOnes[name], youngOnes[name] ?? youngRest, at)
      } else if (oldRest !== false) this.#compareNew(youngOnes[name], at)
    }
    const at = `${pointer}/additionalProperties`
    if (oldRest !== false && youngRest === false)
      this.#breaksPublishers(at, "no longer accepts fields of other names")
    else if (typeof oldRest === "object" && typeof youngRest === "object")
      this.compare(oldRest, youngRest, at)
    else if (typeof youngRest === "object" && oldRest === true) this.#compareNew(youngRest, at)
  }

  /** Compares a place where the old schema accepted anything. */
  #compareNew(schema: unknown, pointer: string): void {
    const opened = this.#open(schema, "after")
    const accepted = opened === null ? [] : Object.keys(opened).filter((keyword) => !ANNOTATIONS.has(keyword))
    if (accepted.length > 0) this.#breaksPublishers(pointer, "accepted anything before, and no longer does")
  }

  #compareItems(old: Schema, young: Schema, pointer: string): void {
    if (old["items"] !== undefined || young["items"] !== undefined) {
      this.compare(old["items"] ?? true, young["items"] ?? true, `${pointer}/items`)
    }
    const [wasUnique, isUnique] = [old["uniqueItems"] === true, young["uniqueItems"] === true]
    if (isUnique && !wasUnique)
      this.#breaksPublishers(`${pointer}/uniqueItems`, "no longer accepts repetitions")
    if (wasUnique && !isUnique) this.#breaksHandlers(`${pointer}/uniqueItems`, "may now have repetitions")
  }

  /** Follows the reference of a schema; returns null if it leads nowhere. */
  #open(schema: unknown, side: "before" | "after"): Schema | null {
    let opened = schema
    for (let hops = 0; hops < MAX_HOPS; hops++) {
      if (opened === true || opened === undefined) return {}
      if (opened === false) return { not: {} }
      if (typeof opened !== "object" || opened === null) return null
      const { $ref, ...rest } = opened as Schema
      if (typeof $ref !== "string") return opened as Schema
      const target: unknown = this.#resolve[side]($ref)
      if (typeof target !== "object" || target === null) return null
      opened = { ...target, ...rest }
    }
    return null
  }

  #breaksPublishers(pointer: string, message: string): void {
    this.breaks.push({ breaks: "publishers", pointer, message })
  }

  #breaksHandlers(pointer: string, message: string): void {
    this.breaks.push({ breaks: "handlers", pointer, message })
  }
}

function typesOf({ type }: Schema): readonly string[] {
  if (typeof type === "string") return [type]
  return Array.isArray(type) ? type.map(String) : ALL_TYPES
}

/** An integer is a number as well. */
const accepts = (types: readonly string[], type: string): boolean =>
  types.includes(type) || (type === "integer" && types.includes("number"))

function valuesOf(schema: Schema): readonly unknown[] | null {
  if ("const" in schema) return [schema["const"]]
  return Array.isArray(schema["enum"]) ? schema["enum"] : null
}

const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])

const objectOf = (value: unknown): Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Schema) : {}

const show = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value))
