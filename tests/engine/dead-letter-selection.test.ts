import { describe, expect, test } from "bun:test"
import { matcherOf } from "../../src/engine/dead-letter-selection.ts"
import { newEvent } from "../support/new-event.ts"

const isVoice = (body: string) =>
  matcherOf({ within: ["events.voice"] })({ body, failure: { reason: "malformed", lastFailedAt: 1 } })

test("a corrupt dead letter is in no space of routing keys, because its own may have been changed", () => {
  const body = JSON.stringify(newEvent({ routing_key: "events.voice.ended" }))
  expect(
    matcherOf({ within: ["events.voice"] })({ body, failure: { reason: "corrupt", lastFailedAt: 1 } }),
  ).toBe(false)
  expect(matcherOf({})({ body, failure: { reason: "corrupt", lastFailedAt: 1 } })).toBe(true)
})

describe("a dead letter is in a space of routing keys", () => {
  const event = newEvent({ routing_key: "events.voice.ended" })

  test("if it is an event with a routing key there", () => {
    expect(isVoice(JSON.stringify(event))).toBe(true)
  })

  test.each([
    ["an event with a routing key elsewhere", JSON.stringify({ ...event, routing_key: "events.user.x" })],
    ["an event without a routing key", JSON.stringify({ ...event, routing_key: undefined })],
    ["an event with an empty routing key", JSON.stringify({ ...event, routing_key: "" })],
    ["an object that is not an event", JSON.stringify({ routing_key: "events.voice.ended" })],
    ["a text", JSON.stringify("events.voice.ended")],
    ["not JSON", "events.voice.ended"],
    ["nothing", ""],
  ])("but not if it is %s", (_, body) => {
    expect(isVoice(body)).toBe(false)
  })
})

test("a time of the last failure selects one of the dead letters of an event", () => {
  const letter = {
    body: JSON.stringify(newEvent()),
    failure: { reason: "timeout", lastFailedAt: 5 },
  } as const
  expect(matcherOf({ lastFailedAt: 5 })(letter)).toBe(true)
  expect(matcherOf({ lastFailedAt: 6 })(letter)).toBe(false)
})
