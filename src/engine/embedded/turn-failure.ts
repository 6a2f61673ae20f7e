import { SQLiteError } from "bun:sqlite"
import type { EngineStatus } from "../engine.ts"
import { EngineUnavailableError, PublishError, type PublishOutcome } from "../errors.ts"
import type { Turn } from "./turn.ts"

/** Refuses the publishes and operations of a turn that was not confirmed. Settlements are kept. */
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

/** Refuses everything in a turn, settlements included. */
export function abandon(turn: Turn, reason: string, outcome: PublishOutcome, cause: unknown): void {
  refuseAll(turn, reason, outcome, cause)
  for (const { fail } of turn.settlements) fail(new Error(reason))
}

/**
 * Returns the outcome of a failed commit. After most errors nothing of the transaction is in the file. If the
 * disk itself failed, the commit may have reached the file and be found by the next process that opens it.
 */
export function outcomeOf(cause: unknown): PublishOutcome {
  const code = cause instanceof SQLiteError ? (cause.code ?? "") : ""
  return code.startsWith("SQLITE_IOERR") ? "unknown" : "not-stored"
}

/**
 * Codes of a full disk, from SQLite and the file system. SQLite's shared memory is a file next to the
 * database.
 */
const DISK_FULL_CODES = new Set(["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "ENOSPC", "EDQUOT"])

/** Returns whether an error, or its cause, has the code of a full disk. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  return DISK_FULL_CODES.has(code) || isDiskFull(error.cause)
}

/** Returns the message of any thrown value. */
export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Returns why an engine that is not ready refuses requests. */
export const whyUnavailable = (status: EngineStatus): string =>
  "reason" in status ? status.reason : "the engine is closed"

/** Returns the error of a publish while the engine is not ready. */
export const unavailable = (status: EngineStatus): PublishError =>
  new PublishError("engine-unavailable", whyUnavailable(status))

/** Returns the error of an event that is routed to no queue. */
export const unroutable = (routingKey: string): PublishError =>
  new PublishError("unroutable", `no queue is bound for the routing key ${JSON.stringify(routingKey)}`)
