import { Argument, type Command, Option } from "commander"
import { eitherOf } from "../config/values.ts"
import { suggest } from "../event/suggestion.ts"
import { printable } from "../telemetry/printable.ts"
import { EXIT_USAGE } from "./exit-codes.ts"
import { CommandError } from "./service-client.ts"

/** Options that keep every value that they are given. */
const COLLECTING = new WeakSet<Option>()

/**
 * An option that can be given several times, once for each value. Commander's variadic options would take the argument
 * that follows them for a value: `redrive --id ID QUEUE`.
 */
export function repeatable(flags: string, description: string): Option {
  const option = new Option(flags, `${description}; repeatable`)
  COLLECTING.add(option)
  return option.argParser((value: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    value,
  ])
}

/** An option that takes one of a few words. */
export function choiceOption(flags: string, description: string, choices: readonly string[]): Option {
  const option = new Option(flags, description).choices([...choices])
  return option.argParser((value: string) => requireChoice(`--${option.name()}`, value, choices))
}

/** An option that takes some of a few words: separated by commas, or given several times. */
export function choicesOption(flags: string, description: string, choices: readonly string[]): Option {
  const option = new Option(flags, `${description}; several separated by commas, or repeatable`).choices([
    ...choices,
  ])
  COLLECTING.add(option)
  return option.argParser((value: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    ...value.split(",").map((each) => requireChoice(`--${option.name()}`, each.trim(), choices)),
  ])
}

/**
 * Refuses an option with one value that is given twice, in every command below this one. Commander would use the last
 * value and drop the others.
 */
export function refuseRepeats(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean() || COLLECTING.has(option)) continue
    let isGiven = false
    command.on(`option:${option.name()}`, () => {
      if (isGiven)
        throw new CommandError(`--${option.name()} is given twice, and takes one value`, EXIT_USAGE)
      isGiven = true
    })
  }
  for (const each of command.commands) refuseRepeats(each)
}

/** An argument that takes one of a few words. */
export const choiceArgument = (name: string, description: string, choices: readonly string[]): Argument =>
  new Argument(`<${name}>`, description)
    .choices([...choices])
    .argParser((value: string) => requireChoice(`<${name}>`, value, choices))

/** @throws {CommandError} that lists the choices, and names the nearest one */
function requireChoice(place: string, value: string, choices: readonly string[]): string {
  if (choices.includes(value)) return value
  const nearest = suggest(value, choices)
  const suggestion = nearest === null ? "" : `; did you mean ${nearest}?`
  throw new CommandError(
    `${place} takes ${eitherOf(choices)}, not ${printable(value)}${suggestion}`,
    EXIT_USAGE,
  )
}
