import { expect, test } from "bun:test"
import { factLine, publishedLine } from "../../src/event/history-fact.ts"
import { attempt, published } from "../support/facts.ts"
import { newEvent } from "../support/new-event.ts"

test("a fact whose event nests too deep to be written is written without it", () => {
  let payload: Record<string, unknown> = {}
  for (let depth = 0; depth < 200_000; depth++) payload = { payload }
  const line = factLine(attempt("deep", { event: newEvent({ id: "deep", payload }) }))
  expect(JSON.parse(line)).toMatchObject({ fact: "attempt", id: "deep" })
  expect(line).not.toContain("payload")
})

test("the line of a publish has its event byte for byte, and equals the fact", () => {
  const fact = published({ id: "a" }, { queues: ["one", "two"], caused_by: "b" })
  if (fact.fact !== "published") throw new Error("no publish")
  const bytesOf = (json: string) => new TextEncoder().encode(json)
  const line = publishedLine(fact, bytesOf(JSON.stringify(fact.event)), '{"caused_by":"b"}')
  const text = (head: string, event: Uint8Array) => `${head}${new TextDecoder().decode(event)}}`
  expect(JSON.parse(text(line.head, line.event))).toEqual(JSON.parse(factLine(fact)))
  const { head, event } = publishedLine({ at: 1, queues: ["one"] }, bytesOf('{"n":1.0}'), null)
  expect(text(head, event)).toBe('{"fact":"published","at":1,"queues":["one"],"event":{"n":1.0}}')
})
