import { isIP } from "node:net"
import * as v from "valibot"
import { suggest } from "../event/suggestion.ts"
import { amountMeant, readableAmount, UNITS, type Unit } from "./units.ts"

/** The values that a variable takes: a schema that checks and converts them, and the same in words. */
export interface Values<Output = unknown> {
  readonly schema: v.GenericSchema<string, Output>
  /** All allowed values, for the help and the docs: choices with their effects, or a unit with a range. Empty for any text. */
  readonly takes: string
  /** Unit of a number; null for other values. */
  readonly unit: Unit | null
  /** Returns the allowed value that a wrong one probably means, in words; null if none is near. */
  readonly meant: (text: string) => string | null
}

const isHttpUrl = (text: string): boolean => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? "")

const words = <Output>(
  takes: string,
  schema: v.GenericSchema<string, Output>,
  meant: Values["meant"] = () => null,
): Values<Output> => ({ schema, takes, unit: null, meant })

/** A whole number of some unit, within its bounds. */
export function wholeNumber(min: number, max: number, unit: Unit): Values<number> {
  const name = UNITS[unit]
  const fault = `takes a whole number${name === null ? "" : ` of ${name}`} from ${min} to ${max}`
  const range = `${readableAmount(min, unit)} to ${readableAmount(max, unit)}`
  const schema = v.pipe(
    v.string(),
    v.regex(/^\d+$/, fault),
    v.transform(Number),
    v.minValue(min, fault),
    v.maxValue(max, fault),
  )
  const meant = (text: string): string | null => {
    const amount = amountMeant(text, unit)
    return amount === null || amount < min || amount > max ? null : readableAmount(amount, unit)
  }
  return { schema, takes: name === null ? range : `${name}, ${range}`, unit, meant }
}

/** 0, which turns something off, or a whole number of some unit, within its bounds. */
export function zeroOrWholeNumber(min: number, max: number, unit: Exclude<Unit, "none">): Values<number> {
  const fault = `takes 0, or a whole number of ${UNITS[unit]} from ${min} to ${max}`
  const schema = v.pipe(
    v.string(),
    v.regex(/^\d+$/, fault),
    v.transform(Number),
    v.check((number) => number === 0 || (number >= min && number <= max), fault),
  )
  const takes = `${UNITS[unit]}, 0 or ${readableAmount(min, unit)} to ${readableAmount(max, unit)}`
  return { schema, takes, unit, meant: wholeNumber(min, max, unit).meant }
}

/**
 * One of a few words, in upper or lower case, each with its effect, which may be empty.
 * @param others other names that are taken for one of the words, in lower case
 * @param foreign the words of other programs for these words, in lower case: they are refused with a suggestion
 */
export const choice = <Choice extends string>(
  effects: Readonly<Record<Choice, string>>,
  others: ReadonlyMap<string, Choice> = new Map(),
  foreign: ReadonlyMap<string, Choice> = new Map(),
): Values<Choice> => {
  const choices = Object.keys(effects) as Choice[]
  const takes = choices.map((each) => (effects[each] === "" ? each : `${each} (${effects[each]})`))
  const find = (text: string): string | undefined =>
    others.get(text.toLowerCase()) ?? choices.find((each) => each.toLowerCase() === text.toLowerCase())
  const schema = v.pipe(
    v.string(),
    v.transform((text) => find(text) ?? text),
    v.picklist(choices, `takes ${eitherOf(choices)}`),
  )
  return words(eitherOf(takes), schema, (text) => {
    const word = text.trim()
    return find(word) ?? foreign.get(word.toLowerCase()) ?? suggest(text, choices)
  })
}

/** Lists alternatives: `a, b or c`. */
export const eitherOf = (alternatives: readonly string[]): string =>
  [alternatives.slice(0, -1).join(", "), ...alternatives.slice(-1)].filter((part) => part !== "").join(" or ")

/** Any text but none. */
export const nonEmpty: Values<string> = words(
  "",
  v.pipe(v.string(), v.nonEmpty("takes a text that is not empty")),
)

/** Any text, or none. */
export const optionalText: Values<string> = words("", v.string())

/** A URL, or nothing. */
export const optionalHttpUrl: Values<string> = words(
  "a URL that begins with http:// or https://",
  v.pipe(
    v.string(),
    v.check((text) => text === "" || isHttpUrl(text), "takes a URL that begins with http:// or https://"),
  ),
)

/** The address of a registry, without a secret that the log would show. */
export const optionalRegistryUrl: Values<string> = words(
  "host:port, or a URL that begins with http:// or https://",
  v.pipe(
    v.string(),
    v.transform((text) => (text === "" || text.includes("://") ? text : `http://${text}`)),
    v.check((text) => {
      const url = URL.parse(text)
      return (
        text === "" ||
        (isHttpUrl(text) && url?.username === "" && url.password === "" && url.search + url.hash === "")
      )
    }, "takes a host with a port, or a URL of http or https, without user, password, query and fragment"),
  ),
)

/** Origins, separated by commas, as browsers send them; or any, by an asterisk. */
export const origins: Values<readonly string[]> = words(
  "origins separated by commas, such as https://console.example.com, or *",
  v.pipe(
    v.string(),
    v.transform((text) => (text === "" ? [] : text.split(",").map((each) => each.trim()))),
    v.check(
      (list) => list.every((each) => each === "*" || URL.parse(each)?.origin === each),
      "takes origins separated by commas, such as https://console.example.com, or *",
    ),
  ),
)

const HOST_NAME = /^(\*|[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*)$/

/** Host names, separated by commas, in lower case and without a final dot; or any, by an asterisk. */
export const hostNames: Values<readonly string[]> = words(
  "host names separated by commas, without ports, such as broker.example.com, or *",
  v.pipe(
    v.string(),
    v.transform((text) =>
      text === "" ? [] : text.split(",").map((each) => each.trim().toLowerCase().replace(/\.$/, "")),
    ),
    v.check(
      (names) => names.every((name) => HOST_NAME.test(name)),
      "takes host names separated by commas, without ports, such as broker.example.com, or *",
    ),
  ),
)

/** Words that probably mean yes or no. */
const YES = ["yes", "on", "1", "y"]
const NO = ["no", "off", "0", "n"]

/** Yes or no. */
export const flag = (effects: { readonly true: string; readonly false: string }): Values<boolean> => {
  const { schema, takes, meant } = choice(effects)
  return words(
    takes,
    v.pipe(
      schema,
      v.transform((text) => text === "true"),
    ),
    (text) => {
      const word = text.trim().toLowerCase()
      return YES.includes(word) ? "true" : NO.includes(word) ? "false" : meant(text)
    },
  )
}

/** One node of a list. It may have its own port, and an IPv6 address is in brackets. */
const HOST = /^(\[[\da-fA-F:.]+\]|[^\s:,[\]@/?#]+)(?::(\d+))?$/

const MAX_PORT = 65_535

const isPort = (digits: string | undefined): boolean =>
  digits === undefined || (Number(digits) >= 1 && Number(digits) <= MAX_PORT)

/** A node of RabbitMQ. Its port is null if the list gives none. */
export interface Node {
  readonly host: string
  readonly port: number | null
}

/** Nodes, separated by commas, each with an optional port. */
export const hosts: Values<readonly Node[]> = words(
  "names or addresses separated by commas, without a user, each with an optional port, such as a,b:5673,[::1]",
  v.pipe(
    v.string(),
    v.transform((text) => text.split(",").map((each) => HOST.exec(each.trim()))),
    v.check(
      (parts) => parts.every((each) => each !== null),
      "takes names or addresses separated by commas, without a user, such as a,b:5673,[::1]",
    ),
    v.check((parts) => parts.every((each) => isPort(each?.[2])), `takes ports from 1 to ${MAX_PORT}`),
    v.transform((parts) =>
      parts.map((each) => ({
        host: (each?.[1] ?? "").replace(/^\[|\]$/g, ""),
        port: each?.[2] === undefined ? null : Number(each[2]),
      })),
    ),
  ),
)

/** An address or a host that the service can listen on. */
export const listenHost: Values<string> = words(
  "an address, or the name of a host, without a scheme, brackets or a port",
  v.pipe(
    v.string(),
    v.check(
      (text) => isIP(text) !== 0 || /^[^\s:,[\]@/?#]+$/.test(text),
      "takes an address or the name of a host, without a scheme, brackets or the port, which PORT sets",
    ),
  ),
)

/** The name or address of a host, or nothing. */
export const optionalHost: Values<string> = words(
  "a name or an address, without a port",
  v.pipe(
    v.string(),
    v.regex(/^[^\s:/@]*$|^[\da-fA-F:.]+$/, "takes the name or address of a host, without a port"),
  ),
)
