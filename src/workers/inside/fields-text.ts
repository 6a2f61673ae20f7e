import { summarizeError } from "../../event/failure.ts"
import { keys, toJson } from "../../system/intrinsics.ts"

/**
 * Writes the fields of a log line as JSON. Never throws, because a log line must not fail its handler: a field that can't
 * be written says why in its place.
 * @param fields an object; an error or another value becomes a field of its kind
 */
export function fieldsText(fields: unknown): string {
  if (fields === undefined || fields === null) return "{}"
  if (fields instanceof Error) return fieldsText({ error: fields })
  if (typeof fields !== "object" || Array.isArray(fields)) return fieldsText({ value: fields })
  try {
    return toJson(fields, writable) ?? "{}"
  } catch {
    // At least one field can't be written. The others are.
    return `{${keys(fields)
      .map((name) => `${toJson(name)}:${fieldText(fields, name)}`)
      .join(",")}}`
  }
}

function fieldText(fields: object, name: string): string {
  try {
    return toJson(Reflect.get(fields, name), writable) ?? "null"
  } catch (error) {
    return toJson(`can't be shown: ${summarizeError(error).message}`)
  }
}

/** JSON has no form for errors and large integers. */
function writable(_name: string, value: unknown): unknown {
  if (value instanceof Error) return summarizeError(value)
  return typeof value === "bigint" ? String(value) : value
}
