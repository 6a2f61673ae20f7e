/** A type, written in TypeScript. */
export interface TypeText {
  readonly text: string
  /** The sign of a union or an intersection, which needs parentheses inside other types. Null for other types. */
  readonly operator: "|" | "&" | null
}

const simple = (text: string): TypeText => ({ text, operator: null })

export const UNKNOWN = simple("unknown")
export const NEVER = simple("never")

/** A member of an object type. */
export interface Member {
  readonly name: string
  readonly type: TypeText
  readonly isOptional: boolean
  /** Text of its comment; empty if it has none. */
  readonly comment: string
}

/** Returns a type by its name. */
export const named = (name: string): TypeText => simple(name)

/** Returns the type of the values that are of any of these types. */
export function union(types: readonly TypeText[]): TypeText {
  if (types.some(({ text }) => text === UNKNOWN.text)) return UNKNOWN
  return joined(types, NEVER, "|")
}

/** Returns the type of the values that are of all of these types. */
export function intersection(types: readonly TypeText[]): TypeText {
  if (types.some(({ text }) => text === NEVER.text)) return NEVER
  return joined(types, UNKNOWN, "&")
}

function joined(types: readonly TypeText[], neutral: TypeText, operator: "|" | "&"): TypeText {
  const distinct = new Map(types.filter(({ text }) => text !== neutral.text).map((type) => [type.text, type]))
  const [first = neutral, ...others] = distinct.values()
  if (others.length === 0) return first
  const parts = [first, ...others].map((type) => (type.operator === operator ? type.text : grouped(type)))
  return { text: parts.join(` ${operator} `), operator }
}

const grouped = ({ text, operator }: TypeText): string => (operator === null ? text : `(${text})`)

export const listOf = (item: TypeText): TypeText => simple(`${grouped(item)}[]`)

/** Returns the type of a list that has one item of each type. */
export const tupleOf = (items: readonly TypeText[]): TypeText =>
  simple(`[${items.map(({ text }) => text).join(", ")}]`)

/** @param others type of the members that have no name here; null if there are none */
export function objectOf(members: readonly Member[], others: TypeText | null): TypeText {
  const index = others === null ? [] : [`[key: string]: ${others.text}`]
  if (members.length === 0) return simple(`{ ${index[0] ?? "[key: string]: never"} }`)
  return simple(`{${indented(`\n${[...members.map(memberText), ...index].join("\n")}`)}\n}`)
}

/** Returns the text of a member, with its comment before it. */
export const memberText = ({ name, type, isOptional, comment }: Member): string =>
  `${commentText(comment)}${keyText(name)}${isOptional ? "?" : ""}: ${type.text}`

const keyText = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name))

/** Returns the type that has one JSON value only. */
export function literal(value: unknown): TypeText {
  if (Array.isArray(value)) return tupleOf(value.map(literal))
  if (typeof value !== "object" || value === null) return simple(JSON.stringify(value))
  const fields = Object.entries(value)
  return objectOf(
    fields.map(([name, each]) => ({ name, type: literal(each), isOptional: false, comment: "" })),
    null,
  )
}

/** Returns a comment and a line end; nothing for an empty text. */
export function commentText(text: string): string {
  const lines = text
    .replaceAll("*/", "*\\/")
    .split(/[\r\n\u2028\u2029]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
  if (lines.length <= 1) return lines.map((line) => `/** ${line} */\n`).join("")
  return `/**\n${lines.map((line) => ` * ${line}\n`).join("")} */\n`
}

/** Moves every line but the first to the right. */
export const indented = (text: string): string => text.replaceAll(/\n(?!\n)/g, "\n  ")
