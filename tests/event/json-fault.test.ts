import { expect, test } from "bun:test"
import fc from "fast-check"
import { JsonFault, parseJsonFile } from "../../src/event/json-fault.ts"

/** Where a text is not JSON, and why; null if it is. */
function faultOf(text: string) {
  try {
    parseJsonFile(text)
    return null
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    return { at: `${error.line}:${error.column}`, reason: error.message }
  }
}

test.each([
  ["", "1:1", "expected a JSON value"],
  ["{", "1:2", "expected a name in double quotes"],
  ['{\n  "type": "object",\n}', "3:1", "expected a name in double quotes"],
  ['{\n  "a": 1\n  "b": 2\n}', "3:3", "expected a comma or }"],
  ['{ "a" 1 }', "1:7", "expected a colon"],
  ['{ "a": tru }', "1:8", "expected a JSON value"],
  ["{ 'a': 1 }", "1:3", "expected a name in double quotes"],
  ["{\r\n\t// no comments\r\n}", "2:2", "expected a name in double quotes"],
  ['{ "é𝄞": [1 2] }', "1:12", "expected a comma or ]"],
  ['{ "a": 01 }', "1:9", "expected a comma or }"],
  ['{ "a": "b\n" }', "1:8", "is not closed on its line"],
  ['{ "a": "\\x" }', "1:8", "the string is not closed on its line, or has an invalid escape"],
  ["{} {}", "1:4", "unexpected text after the JSON value"],
])("%j is not JSON, and the place of the fault is known", (text, at, reason) => {
  const fault = faultOf(text)
  expect(fault?.at).toBe(at)
  expect(fault?.reason).toContain(reason)
})

test("a text that is JSON is parsed, with a byte order mark, too", () => {
  expect(parseJsonFile('\uFEFF{ "a": [1.5e-3, -0, true, null, "\\u00e9\\n\u007f"] }\n')).toEqual({
    a: [1.5e-3, -0, true, null, "é\n\u007f"],
  })
})

test("every text that the runtime refuses has a place", () => {
  const changed = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", '"', "}", "]", "0", "\\", "x", "\n"))
    .map(
      ([json, at, put]) =>
        json.slice(0, at % (json.length + 1)) + put + json.slice((at % (json.length + 1)) + 1),
    )
  fc.assert(
    fc.property(changed, (text) => {
      let isJson = true
      try {
        JSON.parse(text)
      } catch {
        isJson = false
      }
      expect(faultOf(text) === null).toBe(isJson)
    }),
  )
})
