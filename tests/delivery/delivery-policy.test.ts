import { describe, expect, test } from "bun:test"
import {
  type Circumstances,
  type Decision,
  decide,
  type FinalOutcome,
  recordFailure,
} from "../../src/delivery/delivery-policy.ts"
import { failureRecord } from "../support/failure-record.ts"
import { moduleManifest } from "../support/job-request.ts"

const NOW = 1_800_000_000_000
const DAY_MS = 86_400_000
const ERROR = { name: "TypeError", message: "broken" }
const failed: FinalOutcome = { kind: "failed", error: ERROR, isPermanent: false }
const failedForGood: FinalOutcome = { kind: "failed", error: ERROR, isPermanent: true }
const timeout: FinalOutcome = { kind: "timeout", error: ERROR }
const crashed: FinalOutcome = { kind: "worker-crashed", error: null }
const retry = (delayMs: number | null): FinalOutcome => ({ kind: "retry", delayMs })
const buried: FinalOutcome = { kind: "dead-letter", reason: "no such call" }

/** The manifest has three attempts. */
function circumstances(attempt: number, overrides: Partial<Circumstances> = {}): Circumstances {
  return { attempt, lastFailure: null, manifest: moduleManifest(), now: NOW, random: () => 1, ...overrides }
}

/** A decision in a few words: its kind, its delay and its reason. */
function sumUp(decision: Decision): readonly (string | number)[] {
  switch (decision.kind) {
    case "retry":
      return [decision.kind, decision.delayMs, decision.failure.reason]
    case "dead-letter":
      return [decision.kind, decision.failure.reason]
    default:
      return [decision.kind]
  }
}

describe("the policy decides what happens to an event", () => {
  const cases: readonly (readonly [string, FinalOutcome, number, readonly (string | number)[]])[] = [
    ["the handler is done", { kind: "done" }, 1, ["ack"]],
    ["the handler is done on the last attempt", { kind: "done" }, 3, ["ack"]],
    ["the handler was not run to its end", { kind: "returned" }, 1, ["release"]],
    ["the handler was not run to its end on the last attempt", { kind: "returned" }, 3, ["release"]],
    ["the handler threw", failed, 1, ["retry", 1_000, "error"]],
    ["the handler threw again", failed, 2, ["retry", 2_000, "error"]],
    ["the handler threw on the last attempt", failed, 3, ["dead-letter", "attempts-exhausted"]],
    ["the handler threw beyond the last attempt", failed, 4, ["dead-letter", "attempts-exhausted"]],
    ["the handler failed for good", failedForGood, 1, ["dead-letter", "rejected"]],
    ["the handler failed for good on the last attempt", failedForGood, 3, ["dead-letter", "rejected"]],
    ["the handler returned a dead letter", buried, 1, ["dead-letter", "rejected"]],
    ["the handler was over its timeout", timeout, 1, ["retry", 1_000, "timeout"]],
    ["the handler was over its timeout on the last attempt", timeout, 3, ["dead-letter", "timeout"]],
    ["the handler took its worker down", crashed, 1, ["retry", 1_000, "worker-crashed"]],
    ["the handler took its worker down on the last attempt", crashed, 3, ["dead-letter", "worker-crashed"]],
    ["the handler asked for a retry", retry(null), 2, ["retry", 2_000, "retry-requested"]],
    ["the handler asked for a retry after a delay", retry(70), 2, ["retry", 70, "retry-requested"]],
    ["the handler asked for a retry at once", retry(0), 1, ["retry", 0, "retry-requested"]],
    ["the handler asked for a retry after a negative delay", retry(-1), 1, ["retry", 0, "retry-requested"]],
    [
      "the handler asked for a retry after an infinite delay",
      retry(Number.POSITIVE_INFINITY),
      1,
      ["retry", DAY_MS, "retry-requested"],
    ],
    [
      "the handler asked for a retry after a delay that is not a number",
      retry(Number.NaN),
      1,
      ["retry", 1_000, "retry-requested"],
    ],
    [
      "the handler asked for a retry on the last attempt",
      retry(70),
      3,
      ["dead-letter", "attempts-exhausted"],
    ],
  ]
  test.each(cases)("when %s", (_, result, attempt, expected) => {
    expect(sumUp(decide(result, circumstances(attempt)))).toEqual(expected)
  })
})

test("the first failure begins the record of failures", () => {
  const decision = decide(failed, circumstances(1))
  expect(decision).toMatchObject({
    failure: { attempts: 1, firstFailedAt: NOW, lastFailedAt: NOW, error: ERROR, module: "tested.ts" },
  })
})

test("a further failure keeps the time of the first one", () => {
  const lastFailure = failureRecord({ firstFailedAt: NOW - 5_000 })
  const decision = decide(failed, circumstances(3, { lastFailure }))
  expect(decision).toMatchObject({
    failure: { attempts: 3, firstFailedAt: NOW - 5_000, lastFailedAt: NOW, error: ERROR },
  })
})

test("a dead letter without an error of its own keeps that of the previous attempt", () => {
  const lastFailure = failureRecord({ error: ERROR })
  const decision = decide(retry(null), circumstances(3, { lastFailure }))
  expect(decision).toMatchObject({ kind: "dead-letter", failure: { error: ERROR } })
})

test("a timeout and an ended worker without an error have one that says so", () => {
  const messageOf = (result: FinalOutcome, attempt: number) => {
    const decision = decide(result, circumstances(attempt, { lastFailure: failureRecord({ error: ERROR }) }))
    return "failure" in decision ? decision.failure.error?.message : null
  }
  for (const attempt of [1, 3]) {
    expect(messageOf({ kind: "timeout", error: null }, attempt)).toContain("the module's timeout")
    expect(messageOf(crashed, attempt)).toBe("the handler's worker ended during the attempt")
    expect(messageOf(timeout, attempt)).toBe(ERROR.message)
  }
})

test("the reason that a handler gives is the error of its dead letter", () => {
  const decision = decide(buried, circumstances(1))
  expect(decision).toMatchObject({ failure: { error: { message: "no such call" } } })
})

test("an event that no handler tried is recorded without a module", () => {
  const record = recordFailure("no-handler", null, { attempt: 0, lastFailure: null, now: NOW }, null)
  expect(record).toEqual({
    reason: "no-handler",
    attempts: 0,
    firstFailedAt: NOW,
    lastFailedAt: NOW,
    error: null,
    module: null,
  })
})
