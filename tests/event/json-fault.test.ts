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
  ["", "1:1", "a value is expected"],
  ["{", "1:2", "a name in double quotes is expected"],
  ['{\n  "type": "object",\n}', "3:1", "a name in double quotes is expected"],
  ['{\n  "a": 1\n  "b": 2\n}', "3:3", "a comma or } is expected"],
  ['{ "a" 1 }', "1:7", "a colon is expected"],
  ['{ "a": tru }', "1:8", "a value is expected"],
  ["{ 'a': 1 }", "1:3", "a name in double quotes is expected"],
  ["{\r\n\t// no comments\r\n}", "2:2", "a name in double quotes is expected"],
  ['{ "é𝄞": [1 2] }', "1:12", "a comma or ] is expected"],
  ['{ "a": 01 }', "1:9", "a comma or } is expected"],
  ['{ "a": "b\n" }', "1:8", "has no end on its line"],
  ['{ "a": "\\x" }', "1:8", "a backslash in it is followed by a wrong character"],
  ["{} {}", "1:4", "nothing is expected after the value"],
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
