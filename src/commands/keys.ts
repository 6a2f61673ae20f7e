import { appendFileSync, existsSync, readFileSync } from "node:fs"
import type { Command } from "commander"
import { EVENT_TYPES } from "../event/event-type.ts"
import { KeyFileError, parseKeys } from "../http/access/key-file.ts"
import { SCOPES } from "../http/access/scope.ts"
import { reasonOf } from "../system/reason-of.ts"
import { usage } from "./input.ts"
import { type NewKeyOptions, newKey } from "./new-key.ts"
import { choicesOption } from "./option-values.ts"
import { print, printError, printJson } from "./output.ts"
import { block, jsonText, shown } from "./shown.ts"

/** Read and write for the service's user alone, because the file lists what each key may do. */
const FILE_MODE = 0o600

interface Options extends Partial<NewKeyOptions> {
  readonly append?: string
  readonly json?: boolean
}

export function addKeys(program: Command): void {
  program
    .command("keys")
    .description(
      "make API keys: the file that API_KEYS_FILE names has a line for each; delete a line to revoke its key",
    )
    .command("new")
    .description(
      "print a new key and its line for the file; with --append, add the line and print only the key",
    )
    .option("--name <name>", "required: name of the key, shown in the log and in refusals")
    .addOption(
      choicesOption("--scope <scope>", "required: what the key may do; none includes another", SCOPES),
    )
    .addOption(
      choicesOption(
        "--type <type>",
        "limit the key to events of this type: what it publishes, sees and redrives",
        EVENT_TYPES,
      ),
    )
    .option("--append <file>", "add the line to this file, which is created if it is missing")
    .option("--json", "print JSON")
    .action(makeKey)
}

function makeKey({ append, json, name, scope, ...limits }: Options): void {
  if (name === undefined || scope === undefined) {
    const missing = Object.entries({ "--name": name, "--scope": scope }).filter(
      ([, value]) => value === undefined,
    )
    const flags = missing.map(([flag]) => flag).join(" and ")
    throw usage(`keys new needs ${flags}; for example: event-broker keys new --name my-app --scope publish`)
  }
  if (!/^[^\p{Cc}]+$/u.test(name)) {
    throw usage("--name takes at least one character, and no line breaks or other control characters")
  }
  if (append === "") throw usage("--append takes the name of a file")
  const { key, line } = newKey({ name, scope, ...limits })
  if (append !== undefined) appendLine(append, line)
  if (json) printJson({ key, line })
  else if (append === undefined) {
    printError(
      block("The new key, which is not stored anywhere, and its line for the file of API_KEYS_FILE:\n"),
    )
    print(shown`${key}\n${jsonText(line)}\n`)
  } else {
    printError(shown`Added the line to ${append}. The new key, which is not stored anywhere:\n`)
    print(shown`${key}\n`)
  }
}

/** Adds a line to a keys file. A file that the service could not use then is not changed. */
function appendLine(file: string, line: string): void {
  try {
    const text = existsSync(file) ? readFileSync(file, "utf8") : ""
    const start = text === "" || text.endsWith("\n") ? "" : "\n"
    parseKeys(`${text}${start}${line}\n`, file)
    appendFileSync(file, `${start}${line}\n`, { mode: FILE_MODE })
  } catch (error) {
    const reason = reasonOf(error)
    const message = error instanceof KeyFileError ? reason : `${file} can't be written: ${reason}`
    throw usage(`${message}; no key was made`)
  }
}
