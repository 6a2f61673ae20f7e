import { SQLiteError } from "bun:sqlite"
import type { EngineStatus } from "../engine.ts"
import { EngineUnavailableError, PublishError, type PublishOutcome } from "../errors.ts"
import type { Turn } from "./turn.ts"

/** Tells all who asked for something in a turn, other than to settle a delivery, that it was not confirmed. */
export function refuseAll(
  turn: Pick<Turn, "publishes" | "operations">,
  reason: string,
  outcome: PublishOutcome,
  cause: unknown,
): void {
  for (const { refuse } of turn.publishes) {
    refuse(new PublishError("engine-unavailable", reason, outcome, { cause }))
  }
  for (const { refuse } of turn.operations) refuse(new EngineUnavailableError(reason, { cause }))
}

/** Tells all who asked for something in a turn that it will not come. */
export function abandon(turn: Turn, reason: string, outcome: PublishOutcome, cause: unknown): void {
  refuseAll(turn, reason, outcome, cause)
  for (const { fail } of turn.settlements) fail(new Error(reason))
}

/**
 * After most faults nothing of the transaction is in the file. Where the disk itself failed, the commit may
 * have reached it all the same, to be found by the next process that opens the file.
 */
export function outcomeOf(cause: unknown): PublishOutcome {
  const code = cause instanceof SQLiteError ? (cause.code ?? "") : ""
  return code.startsWith("SQLITE_IOERR") ? "unknown" : "not-stored"
}

/** What SQLite and the file system call a full disk. SQLite's shared memory is a file beside the database. */
const DISK_FULL_CODES = new Set(["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "ENOSPC", "EDQUOT"])

/** Whether something failed because the disk was full, by its own code or that of its cause. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  return DISK_FULL_CODES.has(code) || isDiskFull(error.cause)
}

/** The message of whatever was thrown. */
export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Why an engine that is not ready does nothing. */
export const whyUnavailable = (status: EngineStatus): string =>
  "reason" in status ? status.reason : "the engine is closed"

/** The refusal of a publish while the engine is not ready. */
export const unavailable = (status: EngineStatus): PublishError =>
  new PublishError("engine-unavailable", whyUnavailable(status))

/** The refusal of an event that no queue takes. */
export const unroutable = (routingKey: string): PublishError =>
  new PublishError("unroutable", `no queue is bound for the routing key ${JSON.stringify(routingKey)}`)
