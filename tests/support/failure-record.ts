import type { FailureRecord } from "../../src/event/failure.ts"

/** Returns the record of a handler's failure as the dispatcher writes it. */
export function failureRecord(overrides: Partial<FailureRecord> = {}): FailureRecord {
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
