import type { ErrorObject } from "ajv/dist/2020.js"
import { counted } from "../event/counted.ts"

type Params = Readonly<Record<string, unknown>>

const ARTICLES: Readonly<Record<string, string>> = {
  array: "an array",
  boolean: "a boolean",
  integer: "an integer",
  number: "a number",
  object: "an object",
  string: "a string",
}

const atLeast =
  (noun: string) =>
  ({ limit }: Params) =>
    `must have at least ${counted(Number(limit), noun)}`
const atMost =
  (noun: string) =>
  ({ limit }: Params) =>
    `must have at most ${counted(Number(limit), noun)}`

const namesOf = (type: unknown): string => {
  const types = Array.isArray(type) ? type.map(String) : String(type).split(",")
  return types.map((each) => ARTICLES[each] ?? each).join(" or ")
}

function containsMessage({ minContains, maxContains }: Params): string {
  const most = maxContains === undefined ? "" : ` and at most ${maxContains}`
  return `must have at least ${minContains}${most} of the items that match the schema of "contains"`
}

/** Messages for every keyword that a value can break. */
const MESSAGES: Readonly<Record<string, (params: Params) => string>> = {
  type: ({ type }) => `must be ${namesOf(type)}`,
  enum: ({ allowedValues }) => `must be one of ${JSON.stringify(allowedValues)}`,
  const: ({ allowedValue }) => `must be ${JSON.stringify(allowedValue)}`,
  minLength: atLeast("character"),
  maxLength: atMost("character"),
  minItems: atLeast("item"),
  maxItems: atMost("item"),
  items: atMost("item"),
  unevaluatedItems: atMost("item"),
  minProperties: atLeast("field"),
  maxProperties: atMost("field"),
  minimum: ({ limit }) => `must be at least ${limit}`,
  maximum: ({ limit }) => `must be at most ${limit}`,
  exclusiveMinimum: ({ limit }) => `must be more than ${limit}`,
  exclusiveMaximum: ({ limit }) => `must be less than ${limit}`,
  multipleOf: ({ multipleOf }) => `must be a multiple of ${multipleOf}`,
  pattern: ({ pattern }) => `must match pattern "${pattern}"`,
  format: ({ format }) => `must match format "${format}"`,
  uniqueItems: ({ before, place }) => `must not have an item twice (items ${before} and ${place} are equal)`,
  contains: containsMessage,
  required: ({ missingProperty }) => `must have the field ${missingProperty}`,
  dependentRequired: ({ property, deps }) => `must have ${deps}, because it has ${property}`,
  propertyNames: ({ propertyName }) => `has the field ${JSON.stringify(propertyName)}, which is not allowed`,
  if: ({ failingKeyword }) => `must match the schema of "${failingKeyword}"`,
  "false schema": () => "must be absent",
  not: () => 'must not match the schema of "not"',
  anyOf: () => 'must match at least one schema of "anyOf"',
  oneOf: ({ passingSchemas }) =>
    passingSchemas === null
      ? 'must match a schema of "oneOf"'
      : 'must match one schema of "oneOf", and matches several',
}

/** Says what a value must be, to complete "/payload/text …". */
export function faultMessage({ keyword, params, propertyName }: ErrorObject): string {
  const message = MESSAGES[keyword]?.(params) ?? `breaks the rule ${keyword}`
  // The rule is about the name of a field, and the place is that of the object.
  return propertyName === undefined
    ? message
    : `has the field ${JSON.stringify(propertyName)}, whose name ${message}`
}
