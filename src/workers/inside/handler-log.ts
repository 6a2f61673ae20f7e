import type { HandlerLog, LogLevel, WriteLine } from "../../handlers/handler-module.ts"
import { fieldsText } from "./fields-text.ts"

/**
 * Makes `ctx.log`. A line is a message and its fields; the fields, or an error, can also come first, as with pino.
 * Handlers in JavaScript can give any value: each is shown, and none throws.
 * @param write writes a line, with its fields as a JSON object
 */
export function handlerLog(write: (level: LogLevel, message: string, fields: string) => void): HandlerLog {
  const at =
    (level: LogLevel): WriteLine =>
    (first: unknown, second?: unknown): void => {
      if (typeof first !== "object" || first === null) write(level, textOf(first), fieldsText(second))
      else write(level, messageBeside(first, second), fieldsText(first))
    }
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
}

/** Returns the message of a line whose fields came first. An error is its own message. */
function messageBeside(fields: object, message: unknown): string {
  if (message !== undefined) return typeof message === "object" ? fieldsText(message) : textOf(message)
  return fields instanceof Error ? textOf(fields) : ""
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    // The value's own method threw. The line has its fields nevertheless.
    return "a value that can't be converted to text"
  }
}
