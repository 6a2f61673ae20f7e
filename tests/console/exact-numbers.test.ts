import { expect, test } from "bun:test"
import { numberOf, parseExactly, roundedNumbers } from "../../src/console/page/api/exact-numbers.ts"

test.each(["9007199254740993", "1.0", "0.10000000000000000001", "1e400", "-0"])(
  "%s keeps its digits",
  (digits) => {
    expect(JSON.stringify(parseExactly(`{"value":${digits}}`))).toBe(`{"value":${digits}}`)
  },
)

test("numbers that JavaScript writes in the same way stay numbers, and texts stay texts", () => {
  expect(parseExactly('{"a":1795477614.551,"b":"9007199254740993","c":[0,-5]}')).toEqual({
    a: 1_795_477_614.551,
    b: "9007199254740993",
    c: [0, -5],
  })
})

test("the nearest number of a value with other digits is known", () => {
  expect(numberOf(parseExactly("1795477614.0"))).toBe(1_795_477_614)
  expect(numberOf(5)).toBe(5)
})

test.each([
  ["9007199254740993", "9007199254740992"],
  ["12345678901234567890", "12345678901234567000"],
  ["-0.12345678901234567890", "-0.12345678901234568"],
  ["1e400", "Infinity"],
])("%s is rounded to %s", (from, to) => {
  expect(roundedNumbers(`{"value":[${from}]}`)).toEqual([{ from, to }])
})

test.each(["0", "-0", "1.0", "10e-1", "1e21", "0.1", "100", "1.50", "9007199254740992", "1e-7", "0.0000001"])(
  "%s keeps its value, however it is written",
  (number) => {
    expect(roundedNumbers(`[${number}]`)).toEqual([])
  },
)

test("a text that is not JSON has no rounded numbers", () => {
  expect(roundedNumbers('{"value":9007199254740993')).toEqual([])
})
