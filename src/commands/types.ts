import type { Command } from "commander"
import { parseConfig, readEnvironment } from "../config.ts"
import { readSchemaFiles } from "../schema/schema-files.ts"
import { hasTypes, TYPES_FILE, typesFor, writeTypes } from "../schema/types/types-file.ts"
import { reasonOf } from "../system/reason-of.ts"
import { EXIT_REFUSED } from "./exit-codes.ts"
import { usage } from "./input.ts"
import { print, printJson } from "./output.ts"
import { shown } from "./shown.ts"

interface Options {
  readonly check?: boolean
  readonly json?: boolean
}

/** Adds the command that writes the types of payloads. It asks no service. */
export function addTypes(program: Command): void {
  program
    .command("types")
    .description(`write the TypeScript types of payloads, by the schemas in SCHEMAS_DIR, to ${TYPES_FILE}`)
    .option("--check", "write nothing; exit with code 1 if the file is not current")
    .option("--json", "print JSON")
    .action(({ check, json }: Options) => {
      const { SCHEMAS_DIR } = parseConfig(readEnvironment())
      if (SCHEMAS_DIR === "") throw usage("SCHEMAS_DIR is not set: set it to the folder of the schemas")
      const text = typesFor(readSchemaFiles(SCHEMAS_DIR))
      const isCurrent = onFile(() => hasTypes(text))
      if (check) tellCheck(isCurrent, json ?? false)
      else tellWritten(isCurrent ? false : onFile(() => writeTypes(text)), json ?? false)
    })
}

function tellCheck(isCurrent: boolean, asJson: boolean): void {
  if (asJson) printJson({ file: TYPES_FILE, is_current: isCurrent })
  else
    print(
      isCurrent
        ? shown`${TYPES_FILE} is current\n`
        : shown`${TYPES_FILE} is not current: run event-broker types\n`,
    )
  if (!isCurrent) process.exitCode = EXIT_REFUSED
}

function tellWritten(isWritten: boolean, asJson: boolean): void {
  if (asJson) printJson({ file: TYPES_FILE, is_written: isWritten })
  else print(isWritten ? shown`wrote ${TYPES_FILE}\n` : shown`${TYPES_FILE} is current\n`)
}

/** @throws {CommandError} if the file can't be read or written */
function onFile(work: () => boolean): boolean {
  try {
    return work()
  } catch (error) {
    throw usage(`${TYPES_FILE} can't be used: ${reasonOf(error)}`)
  }
}
