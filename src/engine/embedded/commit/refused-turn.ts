import { SQLiteError } from "bun:sqlite"
import { EngineUnavailableError, PublishError, type PublishOutcome } from "../../errors.ts"
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
