import type { Format } from "ajv"
import { fullFormats } from "ajv-formats/dist/formats.js"
import { Pattern } from "./pattern/pattern.ts"

/** Longest date and time, in characters: the library splits a text at every `t` before it looks at it. */
const MAX_TIME_LENGTH = 100

/** Longest value of the format `regex`, in characters: the check compiles it. */
const MAX_REGEX_LENGTH = 10_000

/** Formats of the library that use look-around. It looks at a bounded part, so they take linear time as well. */
const AS_THEY_ARE = new Set(["duration", "hostname"])

/** Formats that are not supported: matching a `url` takes quadratic time, and no standard has it. */
const LEFT_OUT = new Set(["url"])

/** The names of all formats. Source: JSON Schema 2020-12, "format", and OpenAPI 3. */
export const FORMAT_NAMES: readonly string[] = Object.keys(fullFormats).filter((name) => !LEFT_OUT.has(name))

const ENCODED = "%[0-9a-f]{2}"
const anyOf = (characters: string): string => `(?:[a-z0-9\\-._~!$&'()*+,;=${characters}]|${ENCODED})`
const PATH_CHARACTER = anyOf(":@")
const SEGMENTS = `(?:/${PATH_CHARACTER}*)*`
const H16 = "[0-9a-f]{1,4}"
const OCTET = "(?:25[0-5]|2[0-4]\\d|[01]?\\d\\d?)"
const IPV4 = `(?:${OCTET}\\.){3}${OCTET}`
const upTo = (count: number): string => `(?:(?:${H16}:){0,${count}}${H16})?::`
const IPV6 = [
  `(?:(?:${H16}:){6}|::(?:${H16}:){5}|(?:${H16})?::(?:${H16}:){4}|${upTo(1)}(?:${H16}:){3}|${upTo(2)}(?:${H16}:){2}`,
  `|${upTo(3)}${H16}:|${upTo(4)})(?:${H16}:${H16}|${IPV4})|${upTo(5)}${H16}|${upTo(6)}`,
].join("")
const HOST = `(?:\\[(?:${IPV6}|v[0-9a-f]+\\.[a-z0-9\\-._~!$&'()*+,;=:]+)\\]|${anyOf("")}*)`

/** Source: RFC 3986, appendix A. As in the library, one slash is enough before an authority. */
const URI = [
  `^[a-z][a-z0-9+\\-.]*:(?:/?/(?:${anyOf(":")}*@)?${HOST}(?::\\d*)?${SEGMENTS}`,
  `|/(?:${PATH_CHARACTER}+${SEGMENTS})?|${PATH_CHARACTER}+${SEGMENTS})`,
  `(?:\\?${anyOf(":@/?")}*)?(?:#${anyOf(":@/?")}*)?$`,
].join("")

const BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

const upToLength = (name: "date-time" | "iso-date-time" | "regex", maxLength: number): Format => {
  const format: unknown = fullFormats[name]
  const validate =
    typeof format === "object" && format !== null && "validate" in format ? format.validate : format
  return (text: string) =>
    text.length <= maxLength && typeof validate === "function" && validate(text) === true
}

/**
 * Makes a format that matches any text in linear time. This takes some milliseconds. Returns undefined if there is no
 * format of that name.
 */
export function formatOf(name: string): Format | undefined {
  if (!FORMAT_NAMES.includes(name)) return undefined
  if (name === "uri") return matching(URI, true)
  if (name === "byte") return matching(BASE64, false)
  if (name === "date-time" || name === "iso-date-time") return upToLength(name, MAX_TIME_LENGTH)
  if (name === "regex") return upToLength(name, MAX_REGEX_LENGTH)
  const format = Object.entries(fullFormats).find(([known]) => known === name)?.[1]
  // JavaScript's own RegExp takes a microsecond for each character of a long text.
  if (format instanceof RegExp && !AS_THEY_ARE.has(name)) return matching(format.source, true)
  return format
}

function matching(source: string, ignoreCase: boolean): Format {
  const pattern = new Pattern(source, { ignoreCase })
  return (text: string) => pattern.test(text)
}
