import { expect, test } from "bun:test"
import { exceedsLimit, isLastAfterCrash } from "../../src/delivery/attempt-limit.ts"
import { failureRecord } from "../support/failure-record.ts"

const EXACT = { releaseKeepsAttempt: true }
const COUNTS_RELEASES = { releaseKeepsAttempt: false }
const failedTimes = (attempts: number) => ({
  failedAttempts: attempts,
  lastFailure: failureRecord({ attempts }),
})
const NEVER = { failedAttempts: 0, lastFailure: null }

test("an event runs until its attempts reach the limit", () => {
  expect(exceedsLimit({ attempt: 3, ...failedTimes(2) }, { attempts: 3 }, EXACT)).toBeNull()
  expect(exceedsLimit({ attempt: 3, ...NEVER }, { attempts: 3 }, EXACT)).toBeNull()
})

test("an event with an attempt that was cut short becomes worker-crashed beyond its limit", () => {
  for (const before of [NEVER, failedTimes(1), failedTimes(2)]) {
    expect(exceedsLimit({ attempt: 4, ...before }, { attempts: 3 }, EXACT)).toMatchObject({
      reason: "worker-crashed",
    })
  }
})

test("an event whose attempts all failed becomes attempts-exhausted when its limit is lowered", () => {
  expect(exceedsLimit({ attempt: 4, ...failedTimes(3) }, { attempts: 2 }, EXACT)).toMatchObject({
    reason: "attempts-exhausted",
  })
})

test("an engine that counts deliveries that were given back may deliver three times at any limit", () => {
  const at = (attempt: number) => exceedsLimit({ attempt, ...NEVER }, { attempts: 1 }, COUNTS_RELEASES)
  expect([at(2), at(3)]).toEqual([null, null])
  expect(at(4)).toMatchObject({ reason: "worker-crashed" })
})

test("the last attempt may end the service only if an earlier one was cut short", () => {
  expect(isLastAfterCrash({ attempt: 3, ...failedTimes(2) }, { attempts: 3 })).toBe(false)
  expect(isLastAfterCrash({ attempt: 3, ...failedTimes(1) }, { attempts: 3 })).toBe(true)
  expect(isLastAfterCrash({ attempt: 1, ...NEVER }, { attempts: 1 })).toBe(false)
  expect(isLastAfterCrash({ attempt: 2, ...NEVER }, { attempts: 3 })).toBe(false)
})
