import { describe, expect, test } from "bun:test"
import { offsetOfOption } from "../../src/handlers/option-position.ts"
import { positionAt } from "../../src/handlers/source-position.ts"
import { tokenize } from "../../src/handlers/source-tokens.ts"

/** The source from the option on, up to a bracket. */
function found(source: string, ...keys: readonly string[]): string | null {
  const offset = offsetOfOption(source, keys)
  return offset === null ? null : source.slice(offset, source.indexOf("]", offset))
}

describe("an option is found in the object that a module exports", () => {
  test.each([
    ["by its name", `export default { queue: "[]", retry: 1 /*here]*/ }`, ["retry"], "retry: 1 /*here"],
    [
      "in an object of it",
      "export default { on: {}, retry: { on: 1 /*here]*/ } }",
      ["retry", "on"],
      "on: 1 /*here",
    ],
    [
      "as a string",
      `export default { on: { "call ended": 1 /*here]*/ } }`,
      ["on", "call ended"],
      `"call ended": 1 /*here`,
    ],
    [
      "as a method",
      "export default { on: { async a(x: {a: 1}) {}, b() {/*here]*/} } }",
      ["on", "b"],
      "b() {/*here",
    ],
    [
      "after other objects",
      "const a = { on: 1 }\nexport default { on: 2 /*here]*/ }",
      ["on"],
      "on: 2 /*here",
    ],
    ["as a variable", "const b: M = { on: 2 /*here]*/ }\nexport default b", ["on"], "on: 2 /*here"],
    ["in a call", "export default define({ on: 2 /*here]*/ })", ["on"], "on: 2 /*here"],
    ["with satisfies", "export default { on: 2 /*here]*/ } satisfies M", ["on"], "on: 2 /*here"],
    ["not in a comment", "export default { /* on: 1 */ // on: 2\n on: 3 /*here]*/ }", ["on"], "on: 3 /*here"],
    ["not in a string", "export default { queue: ', on: 1', on: 3 /*here]*/ }", ["on"], "on: 3 /*here"],
    ["not in a template", "export default { queue: `, on: 1 {`, on: 3 /*here]*/ }", ["on"], "on: 3 /*here"],
    [
      "not in a regular expression",
      "export default { a: /[/{]\\/{/, on: 3 /*here]*/ }",
      ["on"],
      "on: 3 /*here",
    ],
    ["past a division", "export default { a: 6 / 2, on: 3 /*here]*/, b: 1 / 1 }", ["on"], "on: 3 /*here"],
    [
      "as its parent, if it is not written there",
      "export default { retry /*here]*/: other }",
      ["retry", "x"],
      "retry /*here",
    ],
  ] as const)("%s", (_, source, keys, expected) => {
    expect(found(source, ...keys)).toBe(expected)
  })

  test.each([
    ["nothing is exported", "const a = { on: 1 }"],
    ["the exported value comes from elsewhere", "import a from './a.ts'\nexport default a"],
    ["the source is not a program", "export default { 'on: `"],
  ])("and is not found when %s", (_, source) => {
    expect(found(source, "on")).toBeNull()
  })
})

test("any text is split into tokens with their offsets", () => {
  const source = `a.b('c', "d\\"e") / /x/g \u{1f600} \``
  expect(tokenize(source).map(({ text, offset }) => [offset, text])).toEqual([
    [0, "a"],
    [1, "."],
    [2, "b"],
    [3, "("],
    [4, "c"],
    [7, ","],
    [9, 'd\\"e'],
    [15, ")"],
    [17, "/"],
    [19, "/x/g"],
    [24, "\ud83d"],
    [25, "\ude00"],
    [27, "`"],
  ])
})

test("lines and columns count from 1", () => {
  expect(positionAt("a.ts", "ab\ncd", 0)).toEqual({ path: "a.ts", line: 1, column: 1 })
  expect(positionAt("a.ts", "ab\ncd", 4)).toEqual({ path: "a.ts", line: 2, column: 2 })
})
