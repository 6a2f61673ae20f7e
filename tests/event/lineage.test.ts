import { expect, test } from "bun:test"
import {
  chainText,
  type Lineage,
  lineageAfter,
  MAX_CHAIN_LENGTH,
  MAX_CHAIN_LINKS,
  MAX_COUNTED_HOPS,
  readLineage,
} from "../../src/event/lineage.ts"

/** Returns the lineage after this number of publishes in a row, each of an event with this link. */
function lineageOf(publishes: number, link: string): Lineage | null {
  let lineage: Lineage | null = null
  for (let n = 0; n < publishes; n++) lineage = lineageAfter({ id: `e-${n}`, link, lineage })
  return lineage
}

test("a lineage names the event before, counts the hops and has the links, the last one last", () => {
  const first = lineageAfter({ id: "e-1", link: "voice/call.ended", lineage: null })
  expect(first).toEqual({ causedBy: "e-1", hops: 1, chain: ["voice/call.ended"] })
  const second = lineageAfter({ id: "e-2", link: "custom/billed", lineage: first })
  expect(second).toEqual({ causedBy: "e-2", hops: 2, chain: ["voice/call.ended", "custom/billed"] })
})

test.each([1, 16, 17, 100])("the chain of %i publishes is bounded in links", (publishes) => {
  const lineage = lineageOf(publishes, "custom/ping")
  expect(lineage?.hops).toBe(publishes)
  expect(lineage?.chain).toHaveLength(Math.min(publishes, MAX_CHAIN_LINKS))
})

test("the chain of long names is bounded in characters, and is stored and read whole", () => {
  const link = `notification/${"n".repeat(128)}`
  const lineage = lineageOf(20, link)
  const text = chainText(lineage?.chain ?? [])
  expect(text.length).toBeLessThanOrEqual(MAX_CHAIN_LENGTH)
  expect(text.length + link.length + 1).toBeGreaterThan(MAX_CHAIN_LENGTH)
  expect(readLineage(lineage?.causedBy, lineage?.hops, text)).toEqual(lineage)
})

test("hops are counted up to a bound", () => {
  const lineage = { causedBy: "e-1", hops: MAX_COUNTED_HOPS, chain: [] }
  expect(lineageAfter({ id: "e-2", link: "custom/ping", lineage }).hops).toBe(MAX_COUNTED_HOPS)
})

test.each([undefined, null, 7, "", "x".repeat(129), "\u0000", {}])(
  "without the id of an event as its cause, here %p, there is no lineage",
  (causedBy) => {
    expect(readLineage(causedBy, 3, "custom/ping")).toBeNull()
  },
)

test.each([undefined, null, -1, 0.5, Number.NaN, MAX_COUNTED_HOPS + 1, Number.POSITIVE_INFINITY, "3", {}])(
  "hops out of range, here %p, count as 0",
  (hops) => {
    expect(readLineage("e-1", hops, "custom/ping")).toEqual({
      causedBy: "e-1",
      hops: 0,
      chain: ["custom/ping"],
    })
  },
)

test.each([
  undefined,
  7,
  "",
  "ping",
  "custom/",
  "custom/ping ",
  "custom/ping/pong",
  "other/ping",
  "custom/\u001b[2J",
  Array(17).fill("custom/ping").join(" "),
  `custom/${"n".repeat(MAX_CHAIN_LENGTH)}`,
])("what is not a chain, here %p, counts as none", (chain) => {
  expect(readLineage("e-1", 3, chain)).toEqual({ causedBy: "e-1", hops: 3, chain: [] })
})
