import type * as v from "valibot"
import { amountMeant } from "../config/units.ts"
import { suggest } from "../event/suggestion.ts"
import { nameValue } from "./value-kind.ts"

/** A fault in an option of a module. */
export interface OptionFault {
  readonly message: string
  /** Path of the option, such as `retry` and `attempts`; empty for the module itself. */
  readonly keys: readonly string[]
}

/** Explains an issue with a module's default export: names the option, and says what it must be. */
export function explainIssue(issue: v.BaseIssue<unknown>, options: OptionNames): OptionFault {
  const keys = (issue.path ?? []).map(({ key }) => String(key))
  const option = keys.join(".")
  if (option === "") return { message: "its default export must be an object", keys }
  if (issue.type === "strict_object" && issue.expected === "never")
    return { message: explainUnknown(keys, options), keys }
  if (issue.input === undefined)
    return { message: `the option \`${option}\` is required`, keys: keys.slice(0, -1) }
  return { message: `\`${option}\` ${issue.message}${notGiven(issue)}${numberMeant(issue)}`, keys }
}

/** Names of the options of a module, by the path of their parent. The module's own are under "". */
export type OptionNames = Readonly<Record<string, readonly string[]>>

function explainUnknown(keys: readonly string[], options: OptionNames): string {
  const parent = keys.slice(0, -1).join(".")
  const known = options[parent] ?? []
  const name = keys.at(-1) ?? ""
  const nearest = suggest(name, known) ?? namedElsewhere(name, options)
  const of = parent === "" ? "" : ` in \`${parent}\``
  const advice = nearest === null ? `the options are ${known.join(", ")}` : `did you mean \`${nearest}\`?`
  return `unknown option \`${name}\`${of}; ${advice}`
}

/** Finds an option of this name under any parent; returns its whole path, or null. */
function namedElsewhere(name: string, options: OptionNames): string | null {
  const parent = Object.keys(options).find((each) => options[each]?.includes(name))
  if (parent === undefined) return null
  return parent === "" ? name : `${parent}.${name}`
}

/** Repeats the given value, unless the message is about what is in it. */
const notGiven = ({ input, kind }: v.BaseIssue<unknown>): string =>
  kind === "validation" && typeof input === "object" ? "" : `, not ${nameValue(input)}`

/** Adds the number that a text such as "30s" means; every time of a module is in milliseconds. */
function numberMeant({ input, type }: v.BaseIssue<unknown>): string {
  const meant = type === "number" && typeof input === "string" ? amountMeant(input, "milliseconds") : null
  return meant === null ? "" : `; did you mean ${meant}?`
}
