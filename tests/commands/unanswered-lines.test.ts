import { expect, test } from "bun:test"
import type { EventAnswer } from "../../src/commands/publish-outcome.ts"
import { brokenOff, endedEarly, LineTally } from "../../src/commands/unanswered-lines.ts"

const UPLOAD = { firstLine: 1, key: null }

const stored: EventAnswer = { status: "pending" }

const failed = (line: number, retryable: boolean, detail = "no"): EventAnswer => ({
  status: "failed",
  line,
  problem: { title: "Refused", detail, retryable },
})

function tallyOf(answers: readonly EventAnswer[]): LineTally {
  const tally = new LineTally()
  for (const answer of answers) tally.add(answer)
  return tally
}

test.each([
  ["an invalid line is done", [stored, failed(2, false)], "1 stored, 1 failed; from line 3 on"],
  [
    "the last lines that may be stored later are not",
    [stored, failed(2, true)],
    "1 stored, 0 failed; from line 2 on",
  ],
  [
    "nor is an invalid line among them",
    [stored, failed(2, true), failed(3, false)],
    "1 stored, 0 failed; from line 2 on",
  ],
  [
    "a refused line before a stored one is done",
    [failed(1, true), stored],
    "1 stored, 1 failed; from line 3 on",
  ],
] as const)("how far an upload got: %s", (_, answers, expected) => {
  const reached = { ...tallyOf(answers).reached("day.ndjson", answers.length + 1), ...UPLOAD }
  expect(brokenOff("ended", 1, reached).message).toContain(expected)
})

test.each([
  ["a stop of the service, which is temporary", true],
  ["a revoked key, which is for good", false],
] as const)("the last answer of an upload that ends early counts as no failed line: %s", (_, retryable) => {
  const last = failed(2, retryable, "The end.")
  const reached = { ...tallyOf([stored, last]).reached("day.ndjson", 3), ...UPLOAD }
  expect(endedEarly(last, reached).message).toBe(
    "The end\n1 stored, 0 failed; from line 2 on, no line is stored\n" +
      "to continue: tail -n +2 day.ndjson | event-broker publish --ndjson -",
  )
})

test("the advice keeps the key of the upload and the numbers of its lines", () => {
  const reached = { ...tallyOf([stored]).reached("my day.ndjson", 402), firstLine: 400, key: "it's mine" }
  expect(brokenOff("ended", 1, reached).message).toEndWith(
    "to continue: tail -n +3 'my day.ndjson' | event-broker publish --ndjson" +
      ` --idempotency-key 'it'\\''s mine' --first-line 402 -`,
  )
})
