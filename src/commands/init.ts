import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import type { Command } from "commander"
import { reasonOf } from "../system/reason-of.ts"
import { usage } from "./input.ts"
import { print, printJson } from "./output.ts"
import { projectFiles } from "./project-files.ts" with { type: "macro" }
import { shown } from "./shown.ts"

const NAME = "event-broker"

export function addInit(program: Command): void {
  program
    .command("init")
    .argument("[folder]", "folder of the project", ".")
    .description("make a project: a handler module, its types, a schema, and tests that need no broker")
    .option("--json", "print JSON")
    .action(init)
}

/** Never overwrites a file. */
function init(folder: string, { json }: { readonly json?: boolean }): void {
  if (folder === "") throw usage("the name of the folder is empty: name a folder, or leave it out")
  if (existsSync(folder) && !statSync(folder).isDirectory())
    throw usage(`${folder} is not a folder: name a new folder`)
  const files = projectFiles()
  const taken = Object.keys(files).filter((path) => existsSync(join(folder, path)))
  if (taken.length > 0) {
    throw usage(`${folder} already has ${taken.join(", ")}, and init overwrites no file: name a new folder`)
  }
  for (const [path, text] of Object.entries(files)) write(join(folder, path), text)
  if (json) printJson({ folder, files: Object.keys(files) })
  else {
    const start = [...(folder === "." ? [] : [`cd ${inShell(folder)}`]), `${inShell(ownCommand())} dev`].join(
      " && ",
    )
    print(shown`made ${Object.keys(files).join(", ")}\nstart the service with: ${start}\n`)
  }
}

/** @throws {CommandError} if the file can't be written, such as below something that is not a folder */
function write(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  } catch (error) {
    const reason = reasonOf(error)
    throw usage(`${file} can't be written: ${reason}`)
  }
}

/** The name of this executable if the shell finds it, else its path. */
function ownCommand(): string {
  const { execPath } = process
  const isExecutable = basename(execPath).startsWith(NAME)
  return isExecutable && Bun.which(NAME) === null ? execPath : NAME
}

const inShell = (word: string): string =>
  /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
