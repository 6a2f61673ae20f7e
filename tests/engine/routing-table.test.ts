import { expect, test } from "bun:test"
import { RoutingTable } from "../../src/engine/routing-table.ts"

test("a routing key matches each bound queue once, in binding order", () => {
  const table = new RoutingTable<string>()
  table.bind("second", ["events.voice.#", "events.*.ended"])
  table.bind("first", ["#"])
  table.bind("other", ["events.user.#"])
  expect(table.route("events.voice.ended")).toEqual(["second", "first"])
})

test("a queue that is bound again has only its new patterns, and keeps its place", () => {
  const table = new RoutingTable<string>()
  table.bind("a", ["x", "y.#"])
  table.bind("b", ["#"])
  expect(table.route("x")).toEqual(["a", "b"])
  table.bind("a", ["y.#", "z"])
  expect([table.route("x"), table.route("y"), table.route("z")]).toEqual([["b"], ["a", "b"], ["a", "b"]])
})

test("routing keys that occur only once are routed like others", () => {
  const table = new RoutingTable<string>()
  for (let queue = 0; queue < 500; queue++) table.bind(`q${queue}`, [`events.*.q${queue}.#`, `#.q${queue}`])
  for (let id = 0; id < 5_000; id++) {
    expect(table.route(`events.custom.q${id % 500}.${id}`)).toEqual([`q${id % 500}`])
  }
})
