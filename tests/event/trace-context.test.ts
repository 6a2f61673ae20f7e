import { describe, expect, test } from "bun:test"
import { readTraceContext, traceIdOf } from "../../src/event/trace-context.ts"

const IDS = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

describe("a trace context", () => {
  test("is accepted unchanged", () => {
    const context = readTraceContext(`00-${IDS}`, "vendor=value,other=1")
    expect(context).toEqual({ traceparent: `00-${IDS}`, tracestate: "vendor=value,other=1" })
    expect(context && traceIdOf(context)).toBe("0af7651916cd43dd8448eb211c80319c")
  })

  test("of a later version is passed on as the supported version", () => {
    expect(readTraceContext(`cc-${IDS}-what-the-future-is-like`, null)?.traceparent).toBe(`00-${IDS}`)
  })

  test.each([
    ["is missing", undefined],
    ["is not a text", 1],
    ["is empty", ""],
    ["has the forbidden version", `ff-${IDS}`],
    ["has more fields than its version allows", `00-${IDS}-more`],
    ["has a trace id of zeros", "00-00000000000000000000000000000000-b7ad6b7169203331-01"],
    ["has a parent id of zeros", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"],
    ["is in capitals", `00-${IDS.toUpperCase()}`],
    ["ends with a line feed", `00-${IDS}\n`],
  ])("that %s is ignored", (_, traceparent) => {
    expect(readTraceContext(traceparent, "vendor=value")).toBeNull()
  })

  test.each([
    ["is too long", "v=".padEnd(513, "x")],
    ["has control characters", "vendor=\u0007"],
    ["is empty", ""],
    ["is not a text", 1],
  ])("is kept without a tracestate that %s", (_, tracestate) => {
    expect(readTraceContext(`00-${IDS}`, tracestate)).toEqual({ traceparent: `00-${IDS}`, tracestate: null })
  })
})
