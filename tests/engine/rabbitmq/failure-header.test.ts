import { expect, test } from "bun:test"
import { decodeFailure } from "../../../src/engine/failure-record.ts"
import { encodeFailure } from "../../../src/engine/rabbitmq/failure-header.ts"
import { failureRecord } from "../../support/failure-record.ts"

const LONG = 30_000

test("a failure's record is read as it was written", () => {
  for (const failure of [failureRecord(), failureRecord({ error: null, module: null, attempts: 0 })]) {
    expect(decodeFailure(encodeFailure(failure))).toEqual(failure)
  }
})

test("a record that is too large for a header keeps the beginning of its error, and no stack", () => {
  const error = { name: "E", message: "m".repeat(LONG), stack: "s".repeat(LONG) }
  const written = encodeFailure(failureRecord({ error }))
  expect(decodeFailure(written)?.error).toEqual({ name: "E", message: "m".repeat(1_000) })
})

const { reason: _, ...withoutReason } = failureRecord()
const foreign: readonly (readonly [string, unknown])[] = [
  ["no header", undefined],
  ["a number", 7],
  ["text that is not JSON", "it broke"],
  ["JSON null", "null"],
  ["an array", "[]"],
  ["a record without a reason", JSON.stringify(withoutReason)],
  ["a reason that there is not", JSON.stringify({ ...failureRecord(), reason: "bored" })],
  ["attempts that are no count", JSON.stringify({ ...failureRecord(), attempts: -1 })],
  ["a time that is text", JSON.stringify({ ...failureRecord(), firstFailedAt: "yesterday" })],
  ["a time beyond all numbers", '{"reason":"error","attempts":1,"firstFailedAt":1e999}'],
  ["an error that is text", JSON.stringify({ ...failureRecord(), error: "it broke" })],
]
test.each(foreign)("what another program wrote is no failure's record: %s", (_, header) => {
  expect(decodeFailure(header)).toBeNull()
})
