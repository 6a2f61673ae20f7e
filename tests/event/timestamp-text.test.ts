import { expect, test } from "bun:test"
import { timestampMs } from "../../src/event/timestamp-text.ts"

test.each([
  ["2026-02-28T10:00:00Z", Date.UTC(2026, 1, 28, 10)],
  ["2028-02-29T10:00:00.5z", Date.UTC(2028, 1, 29, 10) + 500],
  ["2026-12-31t23:30:00-01:00", Date.UTC(2027, 0, 1, 0, 30)],
  ["1970-01-01T00:00:00+00:00", 0],
])("%s is a timestamp", (text, ms) => expect(timestampMs(text)).toBe(ms))

test.each([
  "2026-02-30T10:00:00Z",
  "2026-02-29T10:00:00Z",
  "2026-04-31T10:00:00+02:00",
  "2026-13-01T10:00:00Z",
  "2026-00-10T10:00:00Z",
  "2026-01-00T10:00:00Z",
  "2026-02-28T25:00:00Z",
  "2026-02-28T10:00:00",
  "2026-02-28 10:00:00Z",
  "2026-02-28",
  "today",
  "",
])("%p is none", (text) => expect(timestampMs(text)).toBeNaN())
