import type { DeadLetterFailure, RetryFailure } from "../../src/event/failure.ts"

/** Returns the record of a handler's failure as the dispatcher writes it. */
export function failureRecord(overrides: Partial<RetryFailure> = {}): RetryFailure {
  return {
    reason: "error",
    attempts: 1,
    firstFailedAt: 1_700_000_000_000,
    lastFailedAt: 1_700_000_000_500,
    error: {
      name: "TypeError",
      message: "x is not a function",
      stack: "TypeError: x\n    at handler.ts:1:1",
    },
    module: "handlers/tested.ts",
    ...overrides,
  }
}

/** Returns the record of the last failure of an event that is given up, as the dispatcher writes it. */
export function deadLetterRecord(overrides: Partial<DeadLetterFailure> = {}): DeadLetterFailure {
  return { ...failureRecord(), reason: "attempts-exhausted", ...overrides }
}
