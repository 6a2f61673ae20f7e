import { expect, test } from "bun:test"
import { logFormat } from "../../src/telemetry/log-format.ts"

test("terminal sequences are escaped in JSON, and the value of the line stays the same", () => {
  const { show } = logFormat("json", {})
  expect(show(`${JSON.stringify({ id: "\x9b2J\u202e\x7f" })}\n`)).toBe('{"id":"\\u009b2J\\u202e\\u007f"}\n')
})
