import { expect, test } from "bun:test"
import { parseSearch } from "../../src/console/page/screens/events/search.ts"

const NOW = 1_795_000_000

test("words with a name are parameters of the API, and the others a text of the payload", () => {
  const { query, fault } = parseSearch('type:voice key:c-1 "no answer" again', NOW)
  expect(fault).toBeNull()
  expect(query).toEqual({ type: "voice", ordering_key: "c-1", text: "no answer again" })
})

test("a time is a number of seconds, minutes, hours or days ago, or as it is given", () => {
  expect(parseSearch("since:2h until:30m", NOW).query).toEqual({
    since: String(NOW - 7_200),
    until: String(NOW - 1_800),
  })
  expect(parseSearch("since:2026-11-23T14:00:00Z", NOW).query).toEqual({ since: "2026-11-23T14:00:00Z" })
})

test("a value in quotes may have spaces and colons", () => {
  expect(parseSearch('name:"a: b"', NOW).query).toEqual({ name: "a: b" })
})

test("an unknown name is a fault, and nothing is searched", () => {
  const { query, fault } = parseSearch("colour:red type:voice", NOW)
  expect(query).toEqual({})
  expect(fault).toStartWith("colour: is no word of a search.")
})

test("an empty search selects everything", () => {
  expect(parseSearch("  ", NOW)).toEqual({ query: {}, fault: null })
})
