import { expect, test } from "bun:test"
import { decodeDeadLetterFailure, decodeRetryFailure } from "../../../src/engine/failure-record.ts"
import { encodeFailure } from "../../../src/engine/rabbitmq/wire/failure-header.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"

const LONG = 30_000

test("a failure record is decoded as it was encoded", () => {
  for (const failure of [failureRecord(), failureRecord({ error: null, module: null, attempts: 0 })]) {
    expect(decodeRetryFailure(encodeFailure(failure))).toEqual(failure)
  }
})

test("a record that is too large for a header keeps the beginning of its error and drops the stack", () => {
  const error = { name: "E", message: "m".repeat(LONG), stack: "s".repeat(LONG) }
  const written = encodeFailure(failureRecord({ error }))
  expect(decodeRetryFailure(written)?.error).toEqual({ name: "E", message: "m".repeat(1_000) })
})

const { reason: _, ...withoutReason } = failureRecord()
const foreign: readonly (readonly [string, unknown])[] = [
  ["no header", undefined],
  ["a number", 7],
  ["text that is not JSON", "it broke"],
  ["JSON null", "null"],
  ["an array", "[]"],
  ["a record without a reason", JSON.stringify(withoutReason)],
  ["an unknown reason", JSON.stringify({ ...failureRecord(), reason: "bored" })],
  ["the reason of a dead letter", JSON.stringify({ ...failureRecord(), reason: "expired" })],
  ["a negative number of attempts", JSON.stringify({ ...failureRecord(), attempts: -1 })],
  ["a number of attempts beyond all bounds", JSON.stringify({ ...failureRecord(), attempts: 1e300 })],
  ["a time that is text", JSON.stringify({ ...failureRecord(), firstFailedAt: "yesterday" })],
  ["a time after the year 9999", JSON.stringify({ ...failureRecord(), lastFailedAt: 8e15 })],
  ["an infinite time", '{"reason":"error","attempts":1,"firstFailedAt":1e999}'],
  ["an error that is text", JSON.stringify({ ...failureRecord(), error: "it broke" })],
]
test.each(foreign)("a header of another program is not a failure record: %s", (_, header) => {
  expect(decodeRetryFailure(header)).toBeNull()
})

test("a reason that only a retry has is not one of a dead letter", () => {
  expect(decodeDeadLetterFailure(encodeFailure(deadLetterRecord()))).toEqual(deadLetterRecord())
  expect(decodeDeadLetterFailure(encodeFailure(failureRecord({ reason: "retry-requested" })))).toBeNull()
})
