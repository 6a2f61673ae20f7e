import { Argument, type Command, Option } from "commander"
import { eitherOf } from "../config/values.ts"
import { didYouMean } from "../event/suggestion.ts"
import { printable } from "../telemetry/printable.ts"
import { EXIT_USAGE } from "./exit-codes.ts"
import { CommandError } from "./service-client.ts"

/** The options that can be given several times. */
const REPEATABLE = new WeakSet<Option>()

export const isRepeatable = (option: Option): boolean => REPEATABLE.has(option)

function asRepeatable(option: Option): Option {
  REPEATABLE.add(option)
  return option
}

/**
 * Refuses an option that is given twice and has one value, at all commands below this one: commander would take the last
 * value in silence. A flag without a value means the same twice.
 */
export function refuseRepeatedOptions(command: Command): void {
  for (const option of command.options) {
    if (isRepeatable(option) || option.isBoolean()) continue
    let count = 0
    command.on(`option:${option.name()}`, () => {
      if (++count > 1) throw new CommandError(`${option.long} takes one value: give it once`, EXIT_USAGE)
    })
  }
  for (const each of command.commands) refuseRepeatedOptions(each)
}

/**
 * An option that can be given several times, once for each value. Commander's variadic options would take the argument
 * that follows them for a value: `redrive --id ID QUEUE`.
 */
export const repeatable = (flags: string, description: string): Option =>
  asRepeatable(
    new Option(flags, `${description}; repeatable`).argParser(
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
    ),
  )

/** An option that takes one of a few words. */
export function choiceOption(flags: string, description: string, choices: readonly string[]): Option {
  const option = new Option(flags, description).choices([...choices])
  return option.argParser((value: string) => requireChoice(`--${option.name()}`, value, choices))
}

/** An option that takes some of a few words: separated by commas, or given several times. */
export function choicesOption(flags: string, description: string, choices: readonly string[]): Option {
  const several = `${description}; several separated by commas, or repeatable`
  const option = asRepeatable(new Option(flags, several).choices([...choices]))
  return option.argParser((value: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    ...value.split(",").map((each) => requireChoice(`--${option.name()}`, each.trim(), choices)),
  ])
}

/** An argument that takes one of a few words. */
export const choiceArgument = (name: string, description: string, choices: readonly string[]): Argument =>
  new Argument(`<${name}>`, description)
    .choices([...choices])
    .argParser((value: string) => requireChoice(`<${name}>`, value, choices))

/** @throws {CommandError} that lists the choices, and names the nearest one */
function requireChoice(place: string, value: string, choices: readonly string[]): string {
  if (choices.includes(value)) return value
  throw new CommandError(
    `${place} takes ${eitherOf(choices)}, not ${value === "" ? "an empty text" : printable(value)}${didYouMean(value, choices)}`,
    EXIT_USAGE,
  )
}
