import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { Pattern } from "../../src/schema/pattern/pattern.ts"
import { PatternError } from "../../src/schema/pattern/pattern-error.ts"

/** Text that the patterns below match, or nearly match, with lone surrogates, astral letters and line ends. */
const text = fc
  .array(
    fc.constantFrom(
      ..."aabbcAZ09_- .\n\r\u2028é",
      "ſ",
      "K",
      "😀",
      "𝒳",
      "\ud83d",
      "\ude00",
      "\ufeff",
      "\u0000",
    ),
    { maxLength: 10 },
  )
  .map((parts) => parts.join(""))

const atom = fc.constantFrom(
  ..."aabcAé0_",
  ".",
  "[ab]",
  "[^a]",
  "[a-c\\d_]",
  "[^\\s\\w]",
  "[\\]\\-^]",
  "\\d",
  "\\D",
  "\\w",
  "\\W",
  "\\s",
  "\\S",
  "\\b",
  "\\B",
  "^",
  "$",
  "\\/",
  "\\.",
  "\\n",
  "[\\0]",
  "\\x61",
  "\\u0061",
  "\\u{1F600}",
  "\\ud83d\\ude00",
  "\\ud83d",
  "[\\ude00😀]",
  "😀",
  "[^]",
  "[]",
  "\\p{L}",
  "\\P{Lu}",
  "[\\p{Nd}_]",
  "\\p{Script=Latin}",
  "(?:)",
  "",
)

const quantifier = fc.constantFrom("*", "+", "?", "*?", "+?", "{0}", "{2}", "{1,2}", "{0,3}?", "{2,}")

/** Patterns without look-around and back-references. */
const pattern = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    atom,
    fc.tuple(tie("pattern"), tie("pattern")).map((parts) => parts.join("")),
    fc.tuple(tie("pattern"), tie("pattern")).map((parts) => `(?:${parts.join("|")})`),
    fc.tuple(tie("pattern"), quantifier).map(([inner, times]) => `(${inner})${times}`),
    fc.tuple(tie("pattern"), quantifier).map(([inner, times]) => `(?:${inner})${times}`),
    tie("pattern").map((inner) => `^${inner}$`),
  ),
})).pattern

describe("a pattern", () => {
  test("matches what JavaScript's RegExp with the flag u matches", () => {
    let matches = 0
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 6 }), (source, texts) => {
        const [ours, theirs] = [new Pattern(source), new RegExp(source, "u")]
        for (const each of texts) {
          expect([source, each, ours.test(each)]).toEqual([source, each, theirs.test(each)])
          if (theirs.test(each)) matches++
        }
      }),
      { numRuns: 1_000 },
    )
    expect(matches).toBeGreaterThan(500)
  }, 60_000)

  test("that ignores case matches what JavaScript's RegExp with the flag i matches of ASCII text", () => {
    const source = fc.constantFrom("^[a-f]+$", "^[^b-d]x$", "A|b", "^[Z_-c]+$", "^\\w+[!-Q]$")
    const ascii = fc
      .array(fc.constantFrom(..."aAbBcdxXzZ_[!Q"), { maxLength: 5 })
      .map((parts) => parts.join(""))
    fc.assert(
      fc.property(source, ascii, (each, value) => {
        expect(new Pattern(each, { ignoreCase: true }).test(value)).toBe(new RegExp(each, "i").test(value))
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ["\\p{L}", "^\\p{L}$"],
    ["\\P{ASCII}", "^\\P{ASCII}$"],
    ["\\s", "^\\s$"],
    ["\\w", "^\\w$"],
    [".", "^.$"],
    ["\\p{Cs}", "^\\p{Cs}$"],
  ])("of %s matches exactly the code points that JavaScript matches", (_, source) => {
    const [ours, theirs] = [new Pattern(source), new RegExp(source, "u")]
    const isTakenDifferently = (codePoint: number): boolean => {
      const character = String.fromCodePoint(codePoint)
      return ours.test(character) !== theirs.test(character)
    }
    expect(Array.from({ length: 0x110000 }, (__, index) => index).filter(isTakenDifferently)).toEqual([])
  })

  test.each([
    ["^(a+)+$"],
    ["^(a|a)*$"],
    ["^(a|aa)+$"],
    ["(x+x+)+y"],
    ["^(.*,)*[^,]$"],
    ["^([a-z0-9]+[-_.]?)+@"],
    ["a*a*a*a*a*a*b"],
  ])("that is made to be slow, such as %s, still answers for a long text", (source) => {
    expect(new Pattern(source).test(`${"a".repeat(100_000)}!`)).toBe(false)
    expect(new Pattern(source).test(`${"x".repeat(100_000)},a!`)).toBe(false)
  })

  test.each([
    ["(?=a)b", "uses the look-around (?=a)"],
    ["(?<!a)b", "uses the look-around (?<!a)"],
    ["(a)\\1", "refers back with \\1"],
    ["(?<x>a)\\k<x>", "refers back with \\k<x>"],
    ["(?i:a)", "modifiers"],
    ["a(", "Unterminated group"],
    ["\\-", "Invalid escape"],
    ["(?:a{1000}){1000}", "steps"],
    ["(?:(?:(?:){1000}){1000}){1000}", "steps"],
    ["a{99999999}", "steps"],
    ["[ab]*a[ab]{40}$", "states"],
  ])(
    "that is invalid or can't be matched in linear time is refused with the reason: %s",
    (source, reason) => {
      expect(() => new Pattern(source)).toThrow(PatternError)
      expect(() => new Pattern(source)).toThrow(reason)
    },
  )

  test("that is too long is refused", () => {
    expect(() => new Pattern("a".repeat(10_001))).toThrow("characters")
  })
})
