import { describeFault, type ListedFault } from "../event/faults.ts"
import { EXIT_PARTLY, EXIT_REFUSED } from "./exit-codes.ts"
import { print, printError } from "./output.ts"
import { shown } from "./shown.ts"

/** Failures that are shown one by one. Of the others, only the number is shown. */
const MAX_TOLD = 20

/** How many events were stored, and how many were not. */
export interface Counts {
  readonly stored: number
  readonly failed: number
}

/** The answer to one event of many. */
export interface EventAnswer {
  readonly status: string
  readonly index?: number
  /** Of an upload of lines. */
  readonly line?: number
  readonly problem?: {
    readonly title: string
    readonly detail: string
    /** True if the same publish may succeed later. */
    readonly retryable?: boolean
    readonly errors?: readonly ListedFault[]
  }
}

/**
 * Says on standard error why an event failed, if not too many did.
 * @param failures how many have failed so far, with this one
 */
export function tellFailure({ index, line, problem }: EventAnswer, failures: number): void {
  if (failures > MAX_TOLD) return
  const faults = (problem?.errors ?? []).map(describeFault)
  const why = faults.length > 0 ? `${problem?.title}: ${faults.join("; ")}` : problem?.detail
  const place = line === undefined ? `event ${(index ?? 0) + 1}` : `line ${line}`
  printError(shown`${place}: ${why ?? "the service did not say why"}\n`)
}

/** Says how many events of many were stored, and sets the exit code. */
export function conclude({ stored, failed }: Counts, json: boolean | undefined): void {
  if (failed > MAX_TOLD) printError(shown`… and ${failed - MAX_TOLD} more\n`)
  if (!json) print(shown`${stored} stored, ${failed} failed\n`)
  if (failed > 0) process.exitCode = stored > 0 ? EXIT_PARTLY : EXIT_REFUSED
}
