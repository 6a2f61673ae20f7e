import { expect, test } from "bun:test"
import { SchemaCatalog } from "../../src/schema/schema-catalog.ts"

/** The messages for a value of the payload that has this schema. */
function messagesFor(schema: object, value: unknown): readonly string[] | undefined {
  const catalog = new SchemaCatalog([{ path: "voice/call.json", schema: { properties: { value: schema } } }])
  const found = catalog.faultsOf({ type: "voice", name: "call", payload: { value }, metadata: {} })
  return found?.faults.map(({ message }) => message)
}

test.each([
  [{ type: "integer" }, "x", ["must be an integer"]],
  [{ type: ["string", "null"] }, 1, ["must be a string or null"]],
  [{ minLength: 1 }, "", ["must have at least 1 character"]],
  [{ maxLength: 2 }, "abc", ["must have at most 2 characters"]],
  [{ minItems: 2 }, [], ["must have at least 2 items"]],
  [{ maxItems: 1 }, [1, 2], ["must have at most 1 item"]],
  [{ prefixItems: [{}], minItems: 1, items: false }, [1, 2], ["must have at most 1 item"]],
  [{ unevaluatedItems: false }, [1, 2], ["must have at most 0 items"]],
  [{ minProperties: 1 }, {}, ["must have at least 1 field"]],
  [{ maxProperties: 1 }, { a: 1, b: 1 }, ["must have at most 1 field"]],
  [{ minimum: 3 }, 2, ["must be at least 3"]],
  [{ maximum: 3 }, 4, ["must be at most 3"]],
  [{ exclusiveMinimum: 3 }, 3, ["must be more than 3"]],
  [{ exclusiveMaximum: 3 }, 3, ["must be less than 3"]],
  [{ multipleOf: 5 }, 3, ["must be a multiple of 5"]],
  [{ const: "a" }, "b", ['must be "a"']],
  [{ enum: ["a", 1] }, "b", ['must be one of ["a",1]']],
  [{ pattern: "^a" }, "b", ['must match pattern "^a"']],
  [{ format: "date" }, "b", ['must match format "date"']],
  [{ uniqueItems: true }, [1, 2, 1], ["must not have an item twice (items 0 and 2 are equal)"]],
  [
    { contains: { const: 1 } },
    [2],
    ["must be 1", 'must have at least 1 of the items that match the schema of "contains"'],
  ],
  [
    { contains: { const: 1 }, maxContains: 1 },
    [1, 1],
    ['must have at least 1 and at most 1 of the items that match the schema of "contains"'],
  ],
  [{ dependentRequired: { a: ["b"] } }, { a: 1 }, ["must have b, because it has a"]],
  [
    { propertyNames: { maxLength: 1 } },
    { ab: 1 },
    [
      'has the field "ab", whose name must have at most 1 character',
      'has the field "ab", which is not allowed',
    ],
  ],
  [
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    { if: { type: "string" }, then: { minLength: 1 } },
    "",
    ["must have at least 1 character", 'must match the schema of "then"'],
  ],
  [{ properties: { a: false } }, { a: 1 }, ["must be absent"]],
  [{ required: ["a"] }, {}, ["is required"]],
  [{ not: { type: "null" } }, null, ['must not match the schema of "not"']],
  [
    { oneOf: [{ type: "string" }, { minLength: 1 }] },
    "a",
    ['must match one schema of "oneOf", and matches several'],
  ],
])("%j says of %j: %j", (schema, value, messages) => {
  expect(messagesFor(schema, value)).toEqual([...messages])
})
