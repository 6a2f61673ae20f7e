import { expect, test } from "bun:test"
import { idIn, parseSearch, quoted } from "../../src/console/page/screens/events/search.ts"

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

test("a time without a zone is in that of the browser, and one without a day is today's", () => {
  const at = (year: number, month: number, day: number, hour = 0, minute = 0, second = 0) =>
    String(new Date(year, month, day, hour, minute, second).getTime() / 1_000)
  expect(parseSearch("since:2026-11-23 until:2026-11-23T14:30", NOW).query).toEqual({
    since: at(2026, 10, 23),
    until: at(2026, 10, 23, 14, 30),
  })
  expect(parseSearch("since:2026-11-23 14:30:05 x", NOW).query).toEqual({
    since: at(2026, 10, 23, 14, 30, 5),
    text: "x",
  })
  const today = new Date(NOW * 1_000)
  expect(parseSearch("since:9:05", NOW).query).toEqual({
    since: at(today.getFullYear(), today.getMonth(), today.getDate(), 9, 5),
  })
})

test("today and yesterday begin at midnight of the browser's zone", () => {
  const today = new Date(NOW * 1_000).setHours(0, 0, 0, 0) / 1_000
  expect(parseSearch("since:today", NOW).query).toEqual({ since: String(today) })
  const { since, until } = parseSearch("since:Yesterday until:today", NOW).query
  expect(Number(until) - Number(since)).toBeWithin(82_800, 90_001)
})

test.each(["tomorrow", "2x", "99:99x"])(
  "since:%s is a fault that names the times which a search takes",
  (time) => {
    const { query, fault } = parseSearch(`state:dead since:${time}`, NOW)
    expect(query).toEqual({})
    expect(fault).toContain("It takes 30m, 2h or 1d ago, yesterday")
  },
)

test("the parameters of the API are words, too, however they are written", () => {
  expect(parseSearch("ordering_key:c-1 Caused-By:e-1 STATE:dead", NOW).query).toEqual({
    ordering_key: "c-1",
    caused_by: "e-1",
    state: "dead",
  })
})

test("a value in quotes may have spaces and colons", () => {
  expect(parseSearch('name:"a: b"', NOW).query).toEqual({ name: "a: b" })
})

test.each(['a "b" c', "c:\\dir", '"', "\\", 'x\\"y', " ", "line\nbreak"])(
  "%j in quotes is found as it is",
  (value) => {
    expect(parseSearch(`key:${quoted(value)} state:dead`, NOW)).toEqual({
      query: { ordering_key: value, state: "dead" },
      fault: null,
    })
  },
)

test("within quotes a backslash stands for itself, unless a quote or a backslash follows", () => {
  expect(parseSearch('"C:\\dir \\"x\\""', NOW).query).toEqual({ text: 'C:\\dir "x"' })
})

test("a quote that is not closed is a fault, and nothing is searched", () => {
  const { query, fault } = parseSearch('state:dead key:"c-1', NOW)
  expect(query).toEqual({})
  expect(fault).toStartWith("A quote is not closed.")
})

test("a day with a time is one value only behind since and until", () => {
  expect(parseSearch('"2026-11-23 14:30"', NOW).query).toEqual({ text: "2026-11-23 14:30" })
})

test("a search may look for an id: a word alone, or the value of id:", () => {
  expect(idIn("call-106/10")).toBe("call-106/10")
  expect(idIn(' id:"a \\"b\\":c" ')).toBe('a "b":c')
  expect(idIn("ID:e-1")).toBe("e-1")
  for (const other of ["", "state:dead", "no answer", "id:e-1 state:dead"]) expect(idIn(other)).toBeNull()
})

test("an unknown name is a fault, and nothing is searched", () => {
  const { query, fault } = parseSearch("colour:red type:voice", NOW)
  expect(query).toEqual({})
  expect(fault).toStartWith("A search has no colour: – it has type:, name:,")
})

test("a name that every object has is unknown, too", () => {
  expect(parseSearch("constructor:x", NOW).fault).toStartWith("A search has no constructor:")
})

test("an empty search selects everything", () => {
  expect(parseSearch("  ", NOW)).toEqual({ query: {}, fault: null })
})
