import { expect, test } from "bun:test"
import { fieldsOf, payloadText } from "../../src/console/page/screens/schemas/form-fields.ts"

const SCHEMA = {
  type: "object",
  properties: {
    id: { type: "string", description: "Who" },
    age: { type: "integer" },
    kind: { enum: ["a", "b"] },
    tags: { type: "array" },
    call: { $ref: "../call.json" },
  },
  required: ["id"],
}

test("each property of a schema is a field of the form", () => {
  expect(fieldsOf(SCHEMA).map(({ name, kind, isRequired }) => [name, kind, isRequired])).toEqual([
    ["id", "text", true],
    ["age", "integer", false],
    ["kind", "choice", false],
    ["tags", "json", false],
    ["call", "any", false],
  ])
})

test("the payload has the fields that are filled in, with the digits that were typed", () => {
  const values = { id: "7", age: "9007199254740993", tags: '["x"]', call: "c-1", kind: "" }
  const text = payloadText(fieldsOf(SCHEMA), values)
  expect(text).toContain('"age": 9007199254740993')
  expect(JSON.parse(text)).toMatchObject({ id: "7", tags: ["x"], call: "c-1" })
  expect(JSON.parse(text)).not.toHaveProperty("kind")
})

test("a choice of values that are not all texts offers each, as JSON", () => {
  const fields = fieldsOf({ properties: { level: { enum: [1, "1", null] } } })
  expect(fields[0]).toMatchObject({ kind: "json-choice", choices: ["1", '"1"', "null"] })
  expect(payloadText(fields, { level: '"1"' })).toBe('{\n  "level": "1"\n}')
})

test("a property may be named as something that every object has", () => {
  const names = ["toString", "constructor", "__proto__"]
  const fields = fieldsOf(JSON.parse(`{"properties":{${names.map((name) => `"${name}":{}`).join(",")}}}`))
  expect(fields.map(({ name }) => name)).toEqual(names)
  expect(payloadText(fields, {})).toBe("{}")
  expect(payloadText(fields, { ["__proto__"]: "x" })).toBe('{\n  "__proto__": "x"\n}')
})

test("a schema without properties has an empty form", () => {
  expect(fieldsOf(true)).toEqual([])
  expect(payloadText([], {})).toBe("{}")
})
