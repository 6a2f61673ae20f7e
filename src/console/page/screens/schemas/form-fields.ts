import { isRecord } from "../../api/record.ts"

/** A field of the form that a schema describes. */
export interface FormField {
  readonly name: string
  readonly kind: "text" | "number" | "integer" | "flag" | "choice" | "json-choice" | "json" | "any"
  readonly isRequired: boolean
  readonly description: string
  readonly choices: readonly string[]
}

/** Returns the fields of a schema's object: its properties. An object or a list is JSON; a value of another or of no type may be. */
export function fieldsOf(schema: unknown): readonly FormField[] {
  if (!isRecord(schema) || !isRecord(schema["properties"])) return []
  const required = Array.isArray(schema["required"]) ? schema["required"] : []
  return Object.entries(schema["properties"]).map(([name, property]): FormField => {
    const rule = isRecord(property) ? property : {}
    const values: readonly unknown[] = Array.isArray(rule["enum"]) ? rule["enum"] : []
    // A list of other values than texts is chosen as JSON, in which a number differs from its text.
    const isText = values.every((each) => typeof each === "string")
    const choices = values.map((each) => (isText ? String(each) : JSON.stringify(each)))
    return {
      name,
      kind: choices.length === 0 ? kindOf(rule["type"]) : isText ? "choice" : "json-choice",
      isRequired: required.includes(name),
      description: typeof rule["description"] === "string" ? rule["description"] : "",
      choices,
    }
  })
}

function kindOf(type: unknown): FormField["kind"] {
  if (type === "string") return "text"
  if (type === "number" || type === "integer") return type
  if (type === "boolean") return "flag"
  return type === "object" || type === "array" ? "json" : "any"
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // The answer is the point: the text stands for itself.
    return false
  }
}

/** Returns what a field holds. A field may be named as something that every object has, such as `constructor`. */
export const typedIn = (values: Readonly<Record<string, string>>, name: string): string =>
  (Object.hasOwn(values, name) ? values[name] : undefined) ?? ""

/** Writes the payload that a form holds, as JSON. An empty field is left out. A number keeps the digits that were typed. */
export function payloadText(fields: readonly FormField[], values: Readonly<Record<string, string>>): string {
  const members = fields.flatMap(({ name, kind }) => {
    const value = typedIn(values, name)
    if (value === "") return []
    const isJson = kind === "any" ? isJsonText(value) : kind !== "text" && kind !== "choice"
    return `  ${JSON.stringify(name)}: ${isJson ? value : JSON.stringify(value)}`
  })
  return members.length === 0 ? "{}" : `{\n${members.join(",\n")}\n}`
}
