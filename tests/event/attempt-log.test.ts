import { expect, test } from "bun:test"
import { type AttemptLine, lastLines, lineText, readAttemptLog } from "../../src/event/attempt-log.ts"

const line = (text: string): AttemptLine => ({ at: 1, level: "info", text })

test("a line has its fields behind its message, and is cut", () => {
  expect(lineText("asked", "{}")).toBe("asked")
  expect(lineText("asked", '{"n":1}')).toBe('asked {"n":1}')
  expect(lineText("", '{"n":1}')).toBe('{"n":1}')
  expect(lineText("x".repeat(2_000), "{}")).toHaveLength(1_025)
})

test("the last 20 lines are kept, as far as they fit, and the others counted", () => {
  const lines = Array.from({ length: 25 }, (_, place) => line(`line ${place}`))
  expect(lastLines({ lines }, 4_096)).toEqual({ lines: lines.slice(5), omitted: 5 })
  const long = Array.from({ length: 5 }, () => line("x".repeat(1_000)))
  expect(lastLines({ lines: long, omitted: 2 }, 4_096)).toEqual({ lines: long.slice(1), omitted: 3 })
  expect(lastLines({ lines: [line("a")] }, 10)).toEqual({ lines: [line("a")] })
})

test("a log of another version is read as far as it is one", () => {
  expect(readAttemptLog(undefined)).toBeNull()
  expect(readAttemptLog({ lines: "none" })).toBeNull()
  expect(readAttemptLog({ lines: [line("a"), { at: 1, level: "loud", text: "b" }, 7, null] })).toEqual({
    lines: [line("a")],
  })
  const many = { lines: Array.from({ length: 1_000 }, () => line("x".repeat(5_000))) }
  expect(JSON.stringify(readAttemptLog(many)).length).toBeLessThan(5_000)
})
