import { resolve } from "node:path"
import { styleText } from "node:util"
import { counted } from "../event/counted.ts"
import { printable } from "./printable.ts"

type Style = Parameters<typeof styleText>[0]

/** Labels of pino's levels, padded to the longest, so that messages begin in one column. */
const LEVELS: Readonly<Record<string, readonly [label: string, style: Style]>> = {
  debug: ["DEBUG", "dim"],
  info: ["INFO ", "green"],
  warn: ["WARN ", "yellow"],
  error: ["ERROR", "red"],
  fatal: ["FATAL", ["red", "inverse"]],
}

/** Indent of further lines: the width of the time and the level before a message. */
const INDENT = " ".repeat("00:00:00.000 LEVEL ".length)

/** Longest value of a field, in characters. A line on a terminal is for reading; `LOG_FORMAT=json` has the whole value. */
const MAX_VALUE_LENGTH = 200

/** Longest error and longest message, in lines. */
const MAX_LINES = 40

/** Places of stack frames of the code that calls handlers: in the binary, and when the sources run. */
const OWN_PLACES = ["src/workers/", `${resolve(import.meta.dir, "..", "workers")}/`, "node:"]

/** Returns true for a frame that says nothing about a handler's error. */
const isOwnFrame = (line: string): boolean => {
  const place = /^\s+at .*\(([^()]*)\)$/.exec(line)?.[1] ?? ""
  return OWN_PLACES.some((own) => place.startsWith(own))
}

/** A value that is one word needs no quotes. */
const WORD = /^[^\s"'=]+$/

/**
 * Makes a line of the log readable: the time of day, the level, the message and its fields on one line, and an error with
 * its stack below. Nothing in it can take over a terminal: text from outside is escaped, and further lines are indented.
 * @param json one log entry, as pino writes it
 * @param hasColours whether to add colours
 */
export function prettyLine(json: string, hasColours: boolean): string {
  const paint = (style: Style, text: string): string =>
    hasColours ? styleText(style, text, { validateStream: false }) : text
  const entry = JSON.parse(json) as Readonly<Record<string, unknown>>
  const { level, time, msg, error, fields, ...others } = entry
  const [label, style] = LEVELS[String(level)] ?? [printable(String(level)), "reset"]
  const [message = "", ...more] = linesOf(String(msg ?? ""))
  const given = Object.entries(isRecord(fields) ? fields : { fields })
  // A field of a handler does not replace one of the service.
  const shownFields = {
    ...others,
    ...Object.fromEntries(
      given.map(([name, value]) => [Object.hasOwn(entry, name) ? `fields.${name}` : name, value]),
    ),
  }
  const pairs = Object.entries(shownFields)
    .filter(([name, value]) => !isEmpty(value) && (name !== "generation" || tellsGeneration(message)))
    .map(([name, value]) => `${paint("dim", `${printable(name)}=`)}${shownValue(value)}`)
  const first = [
    paint("dim", timeOfDay(String(time))),
    paint(style, label),
    isEmpty(message) ? "" : level === "debug" ? message : paint("bold", message),
  ].join(" ")
  const stack = errorLines(error).map((line, at) => (at === 0 ? paint("red", line) : line))
  // Fields follow the whole message: inside it they would look like a part of it.
  const lines = more.length === 0 ? [[first, ...pairs].join("  ")] : [first, ...more, pairs.join("  ")]
  return [...lines, ...stack]
    .filter((line) => line !== "")
    .map((line, at) => `${at === 0 ? "" : INDENT}${line}\n`)
    .join("")
}

/** Nearly every line has the generation of the handler modules. A person reads it where it changes. */
const tellsGeneration = (message: string): boolean => message.startsWith("handler modules")

/** Returns the local time of day. `LOG_FORMAT=json` has the date, in UTC. */
function timeOfDay(time: string): string {
  const date = new Date(time)
  const two = (part: number): string => String(part).padStart(2, "0")
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`
}

/** Returns the stack of an error with its causes, or its name and message if it has none. */
function errorLines(error: unknown): readonly string[] {
  if (isEmpty(error)) return []
  if (!isRecord(error)) return linesOf(String(error))
  const { name, message, stack } = error
  const title = `${name ?? "Error"}: ${message ?? ""}`
  if (typeof stack !== "string") return linesOf(title)
  // Bun's stacks of some errors lack the message.
  const whole = stack.includes(String(message)) ? stack : `${title}\n${stack}`
  const lines = whole.split("\n").filter((line) => !isOwnFrame(line))
  return linesOf(lines.join("\n"))
}

function linesOf(text: string): readonly string[] {
  const lines = text.trimEnd().split("\n")
  const shown = lines.slice(0, MAX_LINES).map(printable)
  return lines.length > MAX_LINES
    ? [...shown, `… and ${counted(lines.length - MAX_LINES, "more line")}`]
    : shown
}

function shownValue(value: unknown): string {
  const isList = Array.isArray(value) && value.every((each) => typeof each === "string" && WORD.test(each))
  const text = isList
    ? value.join(",")
    : typeof value === "string" && WORD.test(value)
      ? value
      : (JSON.stringify(value) ?? "")
  const characters = Array.from(text)
  const isLong = characters.length > MAX_VALUE_LENGTH
  return printable(isLong ? `${characters.slice(0, MAX_VALUE_LENGTH).join("")}…` : text)
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0)
