import { describe, expect, test } from "bun:test"
import { matcherOf } from "../../src/engine/dead-letter-selection.ts"
import { newEvent } from "../support/new-event.ts"

const isVoice = (body: string) => matcherOf({ within: ["events.voice"] })({ body, reason: "malformed" })

test("a corrupt dead letter is in no space of routing keys, because its own may have been changed", () => {
  const body = JSON.stringify(newEvent({ routing_key: "events.voice.ended" }))
  expect(matcherOf({ within: ["events.voice"] })({ body, reason: "corrupt" })).toBe(false)
  expect(matcherOf({})({ body, reason: "corrupt" })).toBe(true)
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
