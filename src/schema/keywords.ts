import type { Ajv2020, KeywordDefinition } from "ajv/dist/2020.js"
import type { DataValidateFunction, SchemaValidateFunction } from "ajv/dist/types/index.js"
import { PayloadCheck } from "./payload-check.ts"

/** Stands beside each reference of a compiled schema. */
export const COUNTED = "x-event-broker-counted"

/** Returns the check that a keyword is part of; a new one if a schema itself is checked. */
const checkOf = (context: unknown): PayloadCheck =>
  context instanceof PayloadCheck ? context : new PayloadCheck()

/** Returns true for a value that is neither a list nor an object, so that equal ones are identical. */
const isSimple = (value: unknown): boolean => typeof value !== "object" || value === null

/** Takes linear time. The library's own version compares each item with each other. */
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
      validateUniqueItems.errors = [{ keyword: "uniqueItems", params: { before, place } }]
      return false
    }
    places.set(number, place)
  }
  return true
}

/** Takes constant time. The library's own version compares with one value after the other. */
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

/** Replaces keywords of the library by ones that take linear time. */
export function addKeywords(ajv: Ajv2020): void {
  for (const definition of KEYWORDS) {
    for (const keyword of [definition.keyword].flat()) ajv.removeKeyword(keyword)
    ajv.addKeyword(definition)
  }
}
