import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Command } from "commander"
import { addApiDocument } from "../../src/commands/api-document.ts"
import { addHealth } from "../../src/commands/check-health.ts"
import { addCompletions } from "../../src/commands/completions.ts"
import { addDeadLetters } from "../../src/commands/dead-letters.ts"
import { addEvents } from "../../src/commands/events.ts"
import { addInit } from "../../src/commands/init.ts"
import { addKeys } from "../../src/commands/keys.ts"
import { addModules } from "../../src/commands/modules.ts"
import { addPublish } from "../../src/commands/publish.ts"
import { addQueues } from "../../src/commands/queues.ts"
import { addReplay } from "../../src/commands/replay.ts"
import { addSchemas } from "../../src/commands/schemas.ts"
import { addStore } from "../../src/commands/store.ts"
import { addTail } from "../../src/commands/tail.ts"
import { addTypes } from "../../src/commands/types.ts"
import { runCommand } from "../support/run-command.ts"
import { BINARY } from "../support/running-service.ts"

const PAGE = readFileSync(join(import.meta.dir, "..", "..", "docs", "command-line.md"), "utf8")

const FLAG = /(?<![\w-])--[a-z][a-z-]*/g

/** Rows of the table of commands, each with the commands that its first cell names. */
const ROWS = PAGE.split("\n")
  .filter((line) => /^\| `[a-z]/.test(line))
  .map((line) => {
    const [, first = ""] = line.split(/(?<!\\)\|/)
    return {
      text: line,
      commands: [...first.matchAll(/`([^`]+)`/g)].flatMap(([, code = ""]) => namesIn(code)),
    }
  })

/** Flags that the text around the table describes, for all commands that have them. */
const SHARED: readonly string[] = PAGE.split("\n")
  .filter((line) => !line.startsWith("|"))
  .flatMap((line) => line.match(FLAG) ?? [])

/** The commands of one piece of code: `queues pause\|resume QUEUE` has two. */
function namesIn(code: string): readonly string[] {
  const [name = "", second = ""] = code.split(" ")
  const choices = second.split("\\|")
  return choices.every((word) => /^[a-z]+$/.test(word)) && name !== "completions"
    ? choices.map((word) => `${name} ${word}`)
    : [name]
}

/** The flags of every command by its name. A group stands for its default command. */
function flagsOf(
  command: Command,
  prefix = "",
): readonly (readonly [name: string, flags: readonly string[]])[] {
  const help = command.createHelp()
  return help.visibleCommands(command).flatMap((each) => {
    const name = `${prefix}${each.name()}`
    if (each.name() === "help") return []
    if (each.commands.length > 0) return flagsOf(each, `${name} `)
    return [[name, each.options.map(({ long }) => long ?? "")] as const]
  })
}

async function completed(...words: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await runCommand([BINARY, "complete", "--", ...words], "/")
  return stdout.trim().split("\n")
}

async function allCommands(): Promise<ReadonlyMap<string, readonly string[]>> {
  const program = new Command("event-broker")
  for (const add of [addApiDocument, addHealth, addCompletions, addDeadLetters, addInit, addKeys, addPublish])
    add(program)
  for (const add of [addEvents, addModules, addQueues, addReplay, addSchemas, addStore, addTail, addTypes])
    add(program)
  const commands = new Map(flagsOf(program))
  for (const name of ["serve", "dev", "config"]) commands.set(name, await completed(name))
  const known = new Set([...commands.keys()].map((name) => name.split(" ")[0] ?? ""))
  const words = await completed()
  expect(words.filter((word) => !word.startsWith("-") && word !== "help").toSorted()).toEqual(
    [...known].toSorted(),
  )
  return commands
}

test("docs/command-line.md names every command with all of its options, and no other", async () => {
  const commands = await allCommands()
  const rowsOf = (name: string) =>
    ROWS.filter(
      (row) => row.commands.includes(name) || (name === "queues list" && row.commands.includes("queues")),
    )
  const missing = [...commands].flatMap(([name, flags]) => {
    const rows = rowsOf(name)
    if (rows.length === 0) return [name]
    const told = [...SHARED, ...rows.flatMap(({ text }) => text.match(FLAG) ?? [])]
    return flags
      .filter((flag) => flag.startsWith("--") && !told.includes(flag))
      .map((flag) => `${name} ${flag}`)
  })
  const foreign = ROWS.flatMap((row) => {
    const names = row.commands.map((name) => (name === "queues" ? "queues list" : name))
    const flags = new Set(names.flatMap((name) => commands.get(name) ?? []))
    const unknown = names.filter((name) => !commands.has(name))
    return [...unknown, ...(row.text.match(FLAG) ?? []).filter((flag) => !flags.has(flag))]
  })
  expect({ missing, foreign }).toEqual({ missing: [], foreign: [] })
})
