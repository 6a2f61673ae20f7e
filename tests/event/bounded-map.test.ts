import { expect, test } from "bun:test"
import { BoundedMap } from "../../src/event/bounded-map.ts"

test("a full map drops the key that was set least recently", () => {
  const map = new BoundedMap<number>(2)
  map.set("a", 1)
  map.set("b", 2)
  map.set("a", 3)
  map.set("c", 4)
  expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([3, undefined, 4])
  map.delete("a")
  map.delete("c")
  expect(map.isEmpty).toBe(true)
})
