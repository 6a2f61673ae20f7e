import { describe, expect, test } from "bun:test"
import { JsonTextError, MAX_JSON_FIELDS, parseJsonText } from "../../src/event/json-text.ts"

const parse = (text: string) => parseJsonText(text, "It")

const objectOf = (count: number) => `{${Array.from({ length: count }, (_, i) => `"${i}":1`).join(",")}}`

describe("a number beyond the range of a double is rejected anywhere in the text", () => {
  test.each([
    "1e309",
    "-1E+309",
    "[0,[1.5e400]]",
    '{"a":{"b":1e0999}}',
    `1${"0".repeat(309)}`,
    `{"a":1${"0".repeat(250)}e99}`,
    `[${"0.1,".repeat(1_000)}2e308]`,
  ])("%s", (text) => {
    expect(() => parse(text)).toThrow("too large")
  })

  test.each(["1e308", "1e-999", '"1e999"', `"${"9".repeat(400)}"`, `0.${"1".repeat(400)}`])(
    "but not %s",
    (text) => {
      expect(parse(text)).toEqual(JSON.parse(text))
    },
  )
})

describe("the number of fields of an object is limited", () => {
  test("to 10,000, anywhere in the text", () => {
    expect(parse(`[${objectOf(MAX_JSON_FIELDS)},${objectOf(MAX_JSON_FIELDS)}]`)).toBeArrayOfSize(2)
    expect(() => parse(`[${objectOf(MAX_JSON_FIELDS + 1)}]`)).toThrow(
      "It has an object with more than 10000 fields",
    )
  })

  test("not counting colons in strings or fields of other objects", () => {
    const many = Array.from({ length: 20_000 }, () => '{"a:\\"b:":"::{"}').join(",")
    expect(parse(`[${many}]`)).toBeArrayOfSize(20_000)
  })
})

test.each([`${"[".repeat(101)}${"]".repeat(101)}`, `${"[".repeat(200)}"`])("nesting is limited", (text) => {
  expect(() => parse(text)).toThrow("It nests deeper than 100 levels")
})

test("invalid JSON is rejected with the reason, whatever brackets it has", () => {
  expect(() => parse(`${"]".repeat(200)}${"{[".repeat(60)}`)).toThrow(JsonTextError)
})
