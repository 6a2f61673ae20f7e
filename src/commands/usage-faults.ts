import type { Command } from "commander"
import { describeVariables, isSecretVariable } from "../config.ts"
import { EXIT_USAGE } from "./exit-codes.ts"
import { printFault } from "./output.ts"
import { type Shown, shown } from "./shown.ts"
import { suggest } from "./suggestion.ts"

/** What commander says of an option that a command does not have. */
export const UNKNOWN_OPTION = "commander.unknownOption"

/**
 * Ends the process if a word that has to be a command is none. Commander would take it for an argument of the default
 * command.
 * @param words the arguments of the process
 */
export function requireKnownCommand(program: Command, words: readonly string[]): void {
  let command = program
  for (const word of words) {
    if (word.startsWith("-") || command.commands.length === 0) return
    const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word))
    if (next === undefined && word === "help") return
    if (next === undefined) {
      printFault(explainUnknown(word, command))
      process.exit(EXIT_USAGE)
    }
    command = next
  }
}

function explainUnknown(word: string, command: Command): Shown {
  const path = [...ancestors(command), command].map((each) => each.name()).join(" ")
  const [name = ""] = word.split("=", 1)
  if (word.includes("=") && isVariable(name)) {
    return shown`there is no command ${word}; a variable stands before the program: ${word} event-broker`
  }
  const names = command
    .createHelp()
    .visibleCommands(command)
    .map((each) => each.name())
  const nearest = suggest(word, names)
  return nearest === null
    ? shown`there is no command ${word}; ${path} --help lists the commands`
    : shown`there is no command ${word}; did you mean ${path} ${nearest}?`
}

const ancestors = (command: Command): readonly Command[] =>
  command.parent === null ? [] : [...ancestors(command.parent), command.parent]

/** What to do if one of these arguments is a variable that was given as a flag, such as `--port 3000`; null if none is. */
export function adviseOnVariables(words: readonly string[]): Shown | null {
  for (const [place, word] of words.entries()) {
    const [, flag, assigned] = /^--?([\w-]+)(?:=(.*))?$/s.exec(word) ?? []
    if (flag === undefined) continue
    const name = variableOf(flag)
    if (!isVariable(name)) continue
    const next = words[place + 1]
    const value = assigned ?? (next === undefined || next.startsWith("-") ? "…" : next)
    // A secret is not repeated: a terminal may be watched or recorded.
    return shown`set ${name}=${isSecretVariable(name) ? "…" : value} in the environment or in .env: the service takes variables, not flags`
  }
  return null
}

/** Takes the value off a secret that was given as a flag: the complaint about the flag would repeat it. */
export const withoutSecrets = (words: readonly string[]): readonly string[] =>
  words.map((word) => {
    const [flag = ""] = word.split("=", 1)
    return flag.startsWith("--") && isSecretVariable(variableOf(flag)) ? flag : word
  })

const variableOf = (flag: string): string => flag.replace(/^--?/, "").toUpperCase().replaceAll("-", "_")

const isVariable = (name: string): boolean => describeVariables().some((each) => each.name === name)
