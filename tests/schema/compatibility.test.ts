import { describe, expect, test } from "bun:test"
import { compareSchemas } from "../../src/schema/compatibility.ts"

const nowhere = () => null
const compare = (before: unknown, after: unknown) =>
  compareSchemas(before, after, { before: nowhere, after: nowhere })

const closed = (properties: object, more: object = {}) => ({
  type: "object",
  properties,
  additionalProperties: false,
  ...more,
})

const text = { type: "string" }

/** Changes, with the side that each breaks, and the side that its reversal breaks. */
const CHANGES = [
  [
    "another required field",
    closed({ a: text }),
    closed({ a: text }, { required: ["a"] }),
    "publishers",
    "handlers",
  ],
  ["a narrower type", { type: ["string", "null"] }, text, "publishers", "handlers"],
  ["a number that has to be whole", { type: "number" }, { type: "integer" }, "publishers", "handlers"],
  ["fewer values", { enum: ["a", "b"] }, { enum: ["a"] }, "publishers", "handlers"],
  ["only one value", {}, { const: 1 }, "publishers", "handlers"],
  ["a higher minimum", { minimum: 1 }, { minimum: 2 }, "publishers", "handlers"],
  ["a lower maximum", {}, { maxLength: 2 }, "publishers", "handlers"],
  ["no repetitions", {}, { uniqueItems: true }, "publishers", "handlers"],
  ["narrower items", { items: {} }, { items: text }, "publishers", "handlers"],
  ["a narrower field", closed({ a: {} }), closed({ a: text }), "publishers", "handlers"],
  ["a pattern", text, { ...text, pattern: "^a" }, "publishers", "handlers"],
  [
    "another pattern",
    { pattern: "^a" },
    { pattern: "^b" },
    "publishers and handlers",
    "publishers and handlers",
  ],
  ["an optional field", closed({}), closed({ a: text }), "nobody", "publishers"],
  ["an optional field in place of any", {}, { properties: { a: text } }, "publishers", "handlers"],
  [
    "no other fields",
    { type: "object", properties: { a: text } },
    closed({ a: text }),
    "publishers",
    "nobody",
  ],
  ["another title", { title: "a", $comment: "b" }, { title: "c", examples: [1] }, "nobody", "nobody"],
] as const

describe("a change breaks", () => {
  const brokenBy = (before: unknown, after: unknown) => {
    const { breaks, unknown } = compare(before, after)
    expect(unknown).toEqual([])
    // A type is compared even if it is not given.
    return [...new Set(breaks.map((each) => each.breaks))].toSorted().toReversed().join(" and ") || "nobody"
  }
  test.each(CHANGES)("%s", (_, before, after, there, back) => {
    expect([brokenBy(before, after), brokenBy(after, before)]).toEqual([there, back])
    expect([brokenBy(before, before), brokenBy(after, after)]).toEqual(["nobody", "nobody"])
  })
})

test("each break is listed with its place", () => {
  const before = closed({ call: closed({ id: text, state: { enum: ["on"] } }, { required: ["id"] }) })
  const after = closed({ call: closed({ id: { type: "integer" }, state: { enum: ["on", "off"] } }) })
  expect(compare(before, after).breaks).toEqual([
    { breaks: "handlers", pointer: "/properties/call/required", message: "id may now be missing" },
    {
      breaks: "publishers",
      pointer: "/properties/call/properties/id/type",
      message: "no longer accepts string",
    },
    { breaks: "handlers", pointer: "/properties/call/properties/id/type", message: "may now be integer" },
    { breaks: "handlers", pointer: "/properties/call/properties/state/enum", message: 'may now be "off"' },
  ])
})

test("keywords that are not understood are named if they have changed", () => {
  const before = { anyOf: [text], if: {}, properties: { a: { patternProperties: {} } } }
  const after = { anyOf: [text], oneOf: [text], properties: { a: { patternProperties: { x: text } } } }
  expect(compare(before, after).unknown).toEqual([
    { pointer: "/properties/a", keyword: "patternProperties" },
    { pointer: "", keyword: "if" },
    { pointer: "", keyword: "oneOf" },
  ])
})

test("references are followed, even in a circle, and one that leads nowhere is named", () => {
  const node = (type: string) => ({
    $defs: { node: { properties: { next: { $ref: "#/$defs/node" }, value: { type } } } },
    $ref: "#/$defs/node",
  })
  const resolver = (schema: { readonly $defs: { readonly node: object } }) => (reference: string) =>
    reference === "#/$defs/node" ? schema.$defs.node : null
  const [before, after] = [node("integer"), node("number")]
  const { breaks } = compareSchemas(before, after, { before: resolver(before), after: resolver(after) })
  expect(breaks).toEqual([
    { breaks: "handlers", pointer: "/properties/value/type", message: "may now be number" },
  ])
  expect(compare({ $ref: "gone.json" }, {}).unknown).toEqual([{ pointer: "", keyword: "$ref" }])
})
