/** A piece of a program's source. */
export interface Token {
  /** `value`: a number or a regular expression. `sign`: one character of punctuation. */
  readonly kind: "word" | "string" | "value" | "sign"
  /** Of a string, its content as it is written. */
  readonly text: string
  /** Its first character, counted from the beginning of the source. */
  readonly offset: number
}

const SPACE = /\s+|\/\/.*|\/\*[\s\S]*?\*\//y
const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /\d[\w.]*/y
const STRING = /"((?:[^"\\\n]|\\[\s\S])*)"|'((?:[^'\\\n]|\\[\s\S])*)'/y
/** Without the expressions in it: one that holds a backtick ends the literal too early. */
const TEMPLATE = /`((?:[^`\\]|\\[\s\S])*)`/y
const REGULAR_EXPRESSION = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y

/** After one of these words a slash begins a regular expression; after any other it divides. */
const BEFORE_EXPRESSION = new Set(["return", "case", "typeof", "in", "of", "await", "yield", "default"])

/**
 * Splits TypeScript or JavaScript into tokens, well enough to find a property in an object. It never fails: any text
 * that it does not understand becomes signs.
 */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = []
  let offset = 0
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = offset
    return pattern.exec(source)
  }
  const take = (kind: Token["kind"], [whole, ...groups]: RegExpExecArray): void => {
    tokens.push({ kind, text: groups.find((group) => group !== undefined) ?? whole, offset })
    offset += whole.length
  }
  while (offset < source.length) {
    const space = match(SPACE)
    const word = match(WORD)
    const string = match(STRING) ?? match(TEMPLATE)
    const value = match(NUMBER) ?? (beginsExpression(tokens.at(-1)) ? match(REGULAR_EXPRESSION) : null)
    if (space !== null) offset += space[0].length
    else if (word !== null) take("word", word)
    else if (string !== null) take("string", string)
    else if (value !== null) take("value", value)
    else tokens.push({ kind: "sign", text: source.charAt(offset), offset: offset++ })
  }
  return tokens
}

/** Returns true if an expression begins after this token, false if one continues. */
function beginsExpression(before: Token | undefined): boolean {
  if (before === undefined) return true
  if (before.kind === "word") return BEFORE_EXPRESSION.has(before.text)
  return before.kind === "sign" && !")]}".includes(before.text)
}
