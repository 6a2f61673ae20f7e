import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { EventInvalidError } from "../../src/event/errors.ts"
import { ProblemError } from "../../src/http/problem.ts"
import { type BatchShape, BatchSplitter } from "../../src/http/publishing/batch-splitter.ts"

const MAX_ITEMS = 5
const MAX_ITEM_BYTES = 40

const BATCH = '{"events":[1]}'

/** Splits a body that arrives in chunks of this size; null stands for an oversized event. */
function split(body: string | Uint8Array, shape: BatchShape = "object", chunkBytes = 3) {
  const splitter = new BatchSplitter({ shape, maxItems: MAX_ITEMS, maxItemBytes: MAX_ITEM_BYTES })
  const bytes = Buffer.from(body)
  for (let at = 0; at < bytes.length; at += chunkBytes) splitter.push(bytes.subarray(at, at + chunkBytes))
  return splitter.end().map((item) => (item === null ? null : Buffer.from(item).toString()))
}

/** Returns how a body is rejected: `malformed`, or the pointer and message of the fault. */
function refusalOf(body: string, shape: BatchShape = "object"): string {
  try {
    return `accepted as ${JSON.stringify(split(body, shape))}`
  } catch (error) {
    if (error instanceof ProblemError && error.slug === "malformed-json") return "malformed"
    if (error instanceof EventInvalidError) return error.message
    throw error
  }
}

describe("a batch is split into its events", () => {
  test.each([
    [
      '{"events":[{"a":[1,"]}",{}]},"x",-1.5e3,true,null]}',
      ['{"a":[1,"]}",{}]}', '"x"', "-1.5e3", "true", "null"],
    ],
    [' { "events" : [ 1 ,\n 2 ] } ', ["1", "2"]],
    ['{"\\u0065vents":["\\"\\\\",""]}', ['"\\"\\\\"', '""']],
    [`\ufeff${BATCH}`, ["1"]],
  ])("%s", (body, items) => {
    for (const chunkBytes of [1, 2, 3, 7, 1_000]) expect(split(body, "object", chunkBytes)).toEqual(items)
  })

  test("whatever its events are, and however it is chunked", () => {
    const batch = fc.array(fc.jsonValue(), { minLength: 1, maxLength: MAX_ITEMS })
    fc.assert(
      fc.property(batch, fc.integer({ min: 1, max: 50 }), (events, chunkBytes) => {
        const expected = events.map((event) => (isTooLarge(event) ? null : JSON.stringify(event)))
        expect(split(JSON.stringify(events), "array", chunkBytes)).toEqual(expected)
        expect(split(JSON.stringify({ events }), "object", chunkBytes)).toEqual(expected)
      }),
    )
  })

  test("an oversized event affects only itself", () => {
    expect(split(`{"events":[1,"${"x".repeat(MAX_ITEM_BYTES)}",{"a":"${"]".repeat(100)}"},2]}`)).toEqual([
      "1",
      null,
      null,
      "2",
    ])
  })
})

const isTooLarge = (event: unknown): boolean => Buffer.byteLength(JSON.stringify(event)) > MAX_ITEM_BYTES

describe("a body that can't be JSON is malformed", () => {
  test.each([
    "",
    " ",
    "{",
    '{"events"',
    '{"events":',
    '{"events":[',
    '{"events":[1',
    '{"events":[1,',
    '{"events":[1]',
    '{"events":[1,]}',
    '{"events":[,1]}',
    '{"events":[1 2]}',
    '{"events":[1}}',
    '{"events":[1]]',
    '{"events":[1]}}',
    '{"events":[1]} x',
    '{"events" [1]}',
    "{events:[1]}",
    '{"events":[1],}',
    '{,"events":[1]}',
    '{"events":["abc',
    '{"events":[x]}',
    '{"ev\nents":[1]}',
    '{"events":nope}',
    "nope",
    "[1",
    `{"events":[${"[".repeat(101)}${"]".repeat(101)}]}`,
  ])("%s", (body) => {
    expect(refusalOf(body)).toBe("malformed")
  })
})

describe("a body that is not a batch is rejected with the reason", () => {
  test.each([
    ["{}", "/events must be an array of events"],
    ['{"events":{}}', "/events must be an array of events"],
    ['{"events":1}', "/events must be an array of events"],
    ['{"events":[]}', "/events must have 1 to 5 events, not 0"],
    ['{"events":[1,2,3,4,5,6', "/events must have 1 to 5 events, not more"],
    ['{"events":[1],"events":[2]}', "/events occurs twice"],
    ['{"atomic":true,"events":[1]}', '/atomic is not a field of a batch, which has only "events"'],
    ['{"events":[1],"a/b":1}', '/a~1b is not a field of a batch, which has only "events"'],
    ["[1]", 'must be an object with an array of events: {"events":[…]}'],
    ["12", 'must be an object with an array of events: {"events":[…]}'],
    [`"${"x".repeat(100)}"`, 'must be an object with an array of events: {"events":[…]}'],
  ])("%s", (body, message) => {
    expect(refusalOf(body)).toBe(message)
  })

  test.each([
    ["{}", "must be an array of events; send one event to /api/v1/events"],
    ["[]", "must have 1 to 5 events, not 0"],
    ["[1,2,3,4,5,6,", "must have 1 to 5 events, not more"],
  ])("as an array: %s", (body, message) => {
    expect(refusalOf(body, "array")).toBe(message)
  })
})
