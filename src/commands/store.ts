import type { Command } from "commander"
import { parseConfig, readEnvironment } from "../config.ts"
import {
  backupStore,
  compactStore,
  inMebibytes,
  StoreError,
  type StoreErrorCode,
} from "../engine/embedded/store/maintenance.ts"
import { counted } from "../event/counted.ts"
import { EXIT_REFUSED, EXIT_USAGE } from "./exit-codes.ts"
import { usage } from "./input.ts"
import { print, printJson } from "./output.ts"
import { CommandError } from "./service-client.ts"
import { shown } from "./shown.ts"

interface Options {
  readonly json?: boolean
}

/** Faults of the command line, not of the store. */
const USAGE_CODES: readonly StoreErrorCode[] = ["no-store", "no-folder", "target-exists"]

/** Adds the commands for the files in `DATA_DIR`. They ask no service. */
export function addStore(program: Command): void {
  const group = program
    .command("store")
    .description("back up or compact the embedded engine's store in DATA_DIR")
  group
    .command("backup")
    .argument("<file>", "target: a file that does not exist, or a folder, which gets FOLDER/event-broker.db")
    .description("copy a consistent snapshot of the store, while the service runs or not")
    .option("--json", "print JSON")
    .action(backup)
  group
    .command("compact")
    .description("rewrite the store without its free pages; the service must be stopped")
    .option("--json", "print JSON")
    .action(compact)
}

function backup(target: string, { json }: Options): void {
  if (target === "") throw usage("the name of the target is empty: name a file or a folder")
  const copy = explained(() => backupStore(dataDir(), target))
  const { events, queues, bytes, file } = copy
  if (json) printJson(copy)
  else
    print(
      shown`${counted(events, "event")} of ${counted(queues, "queue")}, ${inMebibytes(bytes)}, copied to ${file}\n`,
    )
}

function compact({ json }: Options): void {
  const { bytesBefore, bytesAfter } = explained(() => compactStore(dataDir()))
  if (json) printJson({ bytes_before: bytesBefore, bytes_after: bytesAfter })
  else print(shown`${inMebibytes(bytesBefore)} before, ${inMebibytes(bytesAfter)} after\n`)
}

const dataDir = (): string => parseConfig(readEnvironment()).DATA_DIR

/** @throws {CommandError} with the exit code of the failure */
function explained<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const isUsage = USAGE_CODES.includes(error.code)
    throw new CommandError(error.message, isUsage ? EXIT_USAGE : EXIT_REFUSED)
  }
}
