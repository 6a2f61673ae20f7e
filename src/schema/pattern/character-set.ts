import type { AST } from "@eslint-community/regexpp"
import {
  ALL_BUT_LINE_ENDS,
  type CodePoints,
  codePointsOfProperty,
  complement,
  DIGITS,
  ignoringCase,
  SPACES,
  union,
  WORD_CHARACTERS,
} from "./code-points.ts"
import { PatternError } from "./pattern-error.ts"

/** Returns the code points that a character, a class or an escape of an expression takes. */
export function characterSetOf(
  element: AST.Character | AST.CharacterSet | AST.CharacterClass,
  ignoreCase: boolean,
): CodePoints {
  const fold = (set: CodePoints): CodePoints => (ignoreCase ? ignoringCase(set) : set)
  if (element.type === "Character") return fold([[element.value, element.value]])
  if (element.type === "CharacterSet") return escapeSetOf(element)
  const set = fold(union(element.elements.map(classElementSetOf)))
  return element.negate ? complement(set) : set
}

function classElementSetOf(element: AST.CharacterClassElement): CodePoints {
  switch (element.type) {
    case "Character":
      return [[element.value, element.value]]
    case "CharacterClassRange":
      return [[element.min.value, element.max.value]]
    case "CharacterSet":
      return escapeSetOf(element)
    default:
      throw new PatternError("character classes of the flag v are not supported")
  }
}

function escapeSetOf(element: AST.CharacterSet): CodePoints {
  if (element.kind === "any") return ALL_BUT_LINE_ENDS
  // The property's own negation is part of its text.
  if (element.kind === "property") return codePointsOfProperty(element.raw)
  const set = { digit: DIGITS, space: SPACES, word: WORD_CHARACTERS }[element.kind]
  return element.negate ? complement(set) : set
}
