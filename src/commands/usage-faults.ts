import type { Command } from "commander"
import { maskSecrets } from "../config/mask.ts"
import { describeVariables, isSecretVariable } from "../config.ts"
import { suggest } from "../event/suggestion.ts"
import { EXIT_USAGE } from "./exit-codes.ts"
import { isRepeatable } from "./option-values.ts"
import { printFault } from "./output.ts"
import { commandFor } from "./publish-advice.ts"
import { type Shown, shown } from "./shown.ts"
import { nearMiss } from "./variable-warnings.ts"

/**
 * Says what to do about a command line that commander has refused; null if commander's own words are enough.
 * @param code commander's code of the fault
 * @param words the arguments of the process
 */
export function adviseOn(code: string, program: Command, words: readonly string[]): Shown | null {
  switch (code) {
    case "commander.unknownOption":
      return adviseOnFlag(program, words) ?? adviseOnOrder(program, words) ?? adviseOnVariables(words)
    case "commander.missingArgument": {
      const command = commandOf(program, words)
      return shown`usage: ${pathOf(command)} ${command.usage()}`
    }
    case "commander.excessArguments": {
      const command = commandOf(program, words)
      const event = command.name() === "publish" ? commandFor(wordsAfter(command, words)) : null
      if (event !== null) return shown`to publish an event: ${event}`
      // Users may try to give a repeatable option several values at once.
      const option = command.options.find((each) => isRepeatable(each) && words.includes(each.long ?? ""))
      return option === undefined
        ? null
        : shown`to give several values, repeat the option: ${option.long ?? ""} … ${option.long ?? ""} …`
    }
    default:
      return null
  }
}

/**
 * Ends the process if a word in the place of a command is none. Commander would take it for an argument of the default
 * command.
 * @param words the arguments of the process
 */
export function requireKnownCommand(program: Command, words: readonly string[]): void {
  let command = program
  for (const word of words) {
    if (word.startsWith("-") || command.commands.length === 0) return
    const next = subcommand(command, word)
    if (next === undefined) {
      printFault(explainUnknown(word, command))
      process.exit(EXIT_USAGE)
    }
    command = next
  }
}

const subcommand = (command: Command, word: string): Command | undefined =>
  command.commands.find((each) => each.name() === word || each.aliases().includes(word))

/**
 * Makes `help queues purge` and `queues help purge` mean `queues purge --help`: commander's own help takes one word. So does
 * `publish help`, unless the command requires an argument, which may be a queue of this name.
 */
export function withoutHelpWord(program: Command, words: readonly string[]): readonly string[] {
  let command = program
  for (const [place, word] of words.entries()) {
    const takesIt =
      command.commands.length === 0 && command.registeredArguments.some(({ required }) => required)
    if (word === "help" && !takesIt) {
      return [...words.slice(0, place), ...words.slice(place + 1), "--help"]
    }
    const next = subcommand(command, word)
    if (next === undefined) break
    command = next
  }
  return words
}

/** Returns the innermost command that these arguments name. */
function commandOf(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words) command = subcommand(command, word) ?? command
  return command
}

/** Returns the words behind a command, up to the first flag. */
function wordsAfter(command: Command, words: readonly string[]): readonly string[] {
  const rest = words.slice(words.indexOf(command.name()) + 1)
  const end = rest.findIndex((word) => word.startsWith("-"))
  return end < 0 ? rest : rest.slice(0, end)
}

/** Says that a flag takes no value, as in `--dry-run=false`; null if no such flag is among these arguments. */
function adviseOnFlag(program: Command, words: readonly string[]): Shown | null {
  const flags = commandOf(program, words).options.filter((option) => option.isBoolean())
  const flag = flags.find(({ long }) => words.some((word) => long && word.startsWith(`${long}=`)))
  return flag === undefined ? null : shown`${flag.long ?? ""} takes no value: give it, or leave it out`
}

/** Says where an option belongs that was given before its command; null if none was. */
function adviseOnOrder(program: Command, words: readonly string[]): Shown | null {
  const [flag = ""] = words[0]?.split("=", 1) ?? []
  if (!flag.startsWith("-")) return null
  const path = words.slice(words.findIndex((word) => subcommand(program, word) !== undefined))
  const command = commandOf(program, path)
  const option = command.options.find(({ long, short }) => flag === long || flag === short)
  if (command === program || option === undefined) return null
  return shown`options stand behind the command: ${pathOf(command)} ${option.flags}`
}

const pathOf = (command: Command): string =>
  [...ancestors(command), command].map((each) => each.name()).join(" ")

function explainUnknown(word: string, command: Command): Shown {
  const path = pathOf(command)
  const [name = ""] = word.split("=", 1)
  if (word.includes("=") && isVariable(name)) {
    return shown`there is no command ${word}; a variable stands before the program: ${word} event-broker`
  }
  if (command.parent === null && word === "test") {
    return shown`there is no command test; the tests of a project run by npm test, or BUN_BE_BUN=1 event-broker test`
  }
  const names = command
    .createHelp()
    .visibleCommands(command)
    .map((each) => each.name())
  const isFirst = command.parent === null
  const other = isFirst
    ? (OTHER_WORDS.get(word) ?? (START_WORDS.includes(word) ? "serve" : undefined))
    : OTHER_SUBCOMMANDS.get(word)?.find((each) => names.includes(each))
  const nearest = other ?? suggest(word, names)
  const fault =
    command.parent === null ? shown`there is no command ${word}` : shown`${path} has no command ${word}`
  return nearest === null
    ? shown`${fault}; ${path} --help lists the commands`
    : shown`${fault}; did you mean ${path} ${nearest}?`
}

/** Names of the command that runs the service, in other programs. */
const START_WORDS = ["start", "run", "server", "up"]

/** Words of other programs, with the arguments that were probably meant. */
const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ["status", "health"],
  ["ping", "health"],
  ["version", "--version"],
  ["send", "publish"],
  ["emit", "publish"],
  ["watch", "tail"],
  ["consume", "tail"],
  ["reload", "modules reload"],
  ["dlq", "dead-letters"],
])

/** Words of other programs for commands below a command, with ours. */
const OTHER_SUBCOMMANDS: ReadonlyMap<string, readonly string[]> = new Map([
  ["ls", ["list"]],
  ["show", ["list"]],
  ["get", ["list"]],
  ["rm", ["delete", "purge"]],
  ["remove", ["delete", "purge"]],
  ["delete", ["purge"]],
  ["clear", ["purge"]],
  ["retry", ["redrive"]],
  ["replay", ["redrive"]],
  ["add", ["new"]],
  ["create", ["new"]],
])

const ancestors = (command: Command): readonly Command[] =>
  command.parent === null ? [] : [...ancestors(command.parent), command.parent]

/**
 * Says what to do if one of these arguments is a variable that was given as a flag, such as `--port 3000`, or for the
 * service almost one, such as `--prot 3000`. Null if none is.
 */
function adviseOnVariables(words: readonly string[]): Shown | null {
  for (const [place, word] of words.entries()) {
    const [, flag, assigned] = /^--?([\w-]+)(?:=(.*))?$/s.exec(word) ?? []
    if (flag === undefined) continue
    const given = variableOf(flag)
    const isForService = words[0] === "serve" || words[0]?.startsWith("-")
    const name = isVariable(given) ? given : isForService ? nearMiss(given) : null
    if (name === null) continue
    const next = words[place + 1]
    const value = assigned ?? (next === undefined || next.startsWith("-") ? "…" : next)
    // A secret is not repeated: a terminal may be watched or recorded.
    return shown`set ${name}=${isSecretVariable(name) ? "…" : maskSecrets(value)} in the environment or in .env: the service takes variables, not flags`
  }
  return null
}

/** Removes secrets from variables that were given as flags or words, because the error about one would repeat them. */
export const withoutSecrets = (words: readonly string[]): readonly string[] =>
  words.map((word) => {
    const [given = ""] = word.split("=", 1)
    const isFlag = given.startsWith("--")
    const asked = isFlag ? variableOf(given) : given
    const name = (isFlag ? nearMiss(asked) : null) ?? asked
    if (given === word || !isVariable(name)) return word
    if (!isSecretVariable(name)) return `${given}=${maskSecrets(word.slice(given.length + 1))}`
    return isFlag ? given : `${given}=…`
  })

const variableOf = (flag: string): string => flag.replace(/^--?/, "").toUpperCase().replaceAll("-", "_")

const isVariable = (name: string): boolean => describeVariables().some((each) => each.name === name)
