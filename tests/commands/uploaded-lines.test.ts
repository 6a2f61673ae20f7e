import { expect, test } from "bun:test"
import { UploadedLines } from "../../src/commands/uploaded-lines.ts"

test.each([
  [["a\nb\n"], 2, 0],
  [["a", "b", "c\nd"], 2, 1],
  [["\n\r\n", "\r", "\n"], 0, 0],
  [["a\r", "\n"], 1, 0],
  [[], 0, 0],
])("lines of %j are counted once each, without the blank ones", (chunks, count, current) => {
  const lines = new UploadedLines()
  const ended = chunks.map((chunk) => lines.add(new TextEncoder().encode(chunk)))
  expect(lines.currentBytes).toBe(current)
  expect(ended.reduce((sum, each) => sum + each, lines.end())).toBe(count)
})

test("the first line without an answer is numbered with the blank lines before it", () => {
  const lines = new UploadedLines()
  lines.add(new TextEncoder().encode("\n\r\n3\n4\n\n\n7\n"))
  const numbers = [lines.firstUnanswered]
  for (let answers = 0; answers < 3; answers++) {
    lines.answered()
    numbers.push(lines.firstUnanswered)
  }
  lines.add(new TextEncoder().encode("\n9"))
  expect([...numbers, lines.firstUnanswered, lines.areAllAnswered]).toEqual([3, 4, 7, 8, 9, false])
  expect(lines.answeredPart).toBe(1)
  lines.end()
  expect(lines.answeredPart).toBe(3 / 4)
  lines.answered()
  expect([lines.areAllAnswered, lines.answeredPart]).toEqual([true, 1])
})
