import { expect, test } from "bun:test"
import fc from "fast-check"
import { printable, printableJson } from "../../src/telemetry/printable.ts"
import { isObeyed, obeyedIn } from "../support/unprintable.ts"

const anyText = fc.string({
  unit: fc.oneof(
    fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    fc.constantFrom(...'\x1b\x07\r\n\t\x7f\x85\x9b\u202e\u2066\u2069\u200f\u061c\u2028é漢🙂\\"'.split("")),
  ),
})

test("printable text has no character that a terminal obeys", () => {
  fc.assert(fc.property(anyText, (text) => [...printable(text)].every((character) => !isObeyed(character))))
})

test("text without such characters, and text that is printable already, does not change", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const shown = printable(text)
      expect(printable(shown)).toBe(shown)
      if (![...text].some(isObeyed)) expect(shown).toBe(text)
    }),
  )
})

test("the escapes name the characters that they replace", () => {
  expect(printable("a\x1b]0;title\x07\r\n\t\x7f\x9b\u202e漢")).toBe(
    "a\\x1b]0;title\\x07\\r\\n\\t\\x7f\\x9b\\u202e漢",
  )
})

test("printable JSON has the same value, and no such character except newlines", () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ stringUnit: "binary" }),
      anyText,
      fc.constantFrom(0, 2),
      (value, key, indent) => {
        const json = JSON.stringify({ [key]: value, text: key }, null, indent)
        const shown = printableJson(json)
        expect(JSON.parse(shown)).toEqual(JSON.parse(json))
        expect(obeyedIn(shown)).toEqual([])
      },
    ),
  )
})
