import { fieldsText } from "./fields-text.ts"

/** Returns the reason that a handler gives for a dead letter as text. Handlers in JavaScript can give any value. */
export function reasonText(reason: unknown): string {
  if (reason === undefined || reason === null) return "no reason given"
  if (reason instanceof Error) return `${reason.name}: ${reason.message}`
  return typeof reason === "object" ? fieldsText(reason) : String(reason)
}
