import type { Ajv2020, KeywordDefinition } from "ajv/dist/2020.js"
import type { DataValidateFunction, SchemaValidateFunction } from "ajv/dist/types/index.js"
import { PayloadCheck } from "./payload-check.ts"

/** Stands beside each reference of a compiled schema. */
export const COUNTED = "x-event-broker-counted"

/** The check that a keyword is part of; schemas that are checked themselves have none. */
const checkOf = (context: unknown): PayloadCheck =>
  context instanceof PayloadCheck ? context : new PayloadCheck()

/** Neither a list nor an object: two that are equal are the same. */
const isSimple = (value: unknown): boolean => typeof value !== "object" || value === null

/** Takes time with the number of items; the library's own compares each with each. */
const validateUniqueItems: SchemaValidateFunction = function (
  this: unknown,
  isAsked: boolean,
  items: unknown,
) {
  if (!isAsked || !Array.isArray(items)) return true
  const areSimple = items.every(isSimple)
  if (areSimple && new Set(items).size === items.length) return true
  const { values } = checkOf(this)
  const places = new Map<number, number>()
  for (const [place, item] of items.entries()) {
    const number = values.of(item)
    const before = places.get(number)
    if (before !== undefined) {
      const message = `must not have an item twice (items ${before} and ${place} are equal)`
      validateUniqueItems.errors = [{ keyword: "uniqueItems", message, params: {} }]
      return false
    }
    places.set(number, place)
  }
  return true
}

/** Takes the same time for any number of values; the library's own compares with one after the other. */
function compileEnum(values: readonly unknown[]): DataValidateFunction {
  const simple = new Set(values.filter(isSimple))
  const others = values.filter((value) => !simple.has(value))
  const validate: DataValidateFunction = function (this: unknown, value: unknown) {
    if (simple.has(value)) return true
    if (others.length > 0 && !isSimple(value)) {
      const numbers = checkOf(this).values
      const number = numbers.of(value)
      if (others.some((other) => numbers.of(other) === number)) return true
    }
    validate.errors = [{ keyword: "enum", params: { allowedValues: values } }]
    return false
  }
  return validate
}

const KEYWORDS: readonly KeywordDefinition[] = [
  {
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    errors: true,
    validate: validateUniqueItems,
  },
  { keyword: "enum", schemaType: "array", errors: true, compile: compileEnum },
  {
    keyword: COUNTED,
    before: "$ref",
    schemaType: "boolean",
    errors: false,
    validate(this: unknown) {
      checkOf(this).followReference()
      return true
    },
  },
]

/** Puts keywords that take linear time in the place of the library's own. */
export function addKeywords(ajv: Ajv2020): void {
  for (const definition of KEYWORDS) {
    for (const keyword of [definition.keyword].flat()) ajv.removeKeyword(keyword)
    ajv.addKeyword(definition)
  }
}
