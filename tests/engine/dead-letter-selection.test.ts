import { describe, expect, test } from "bun:test"
import type { DeadLetterSelection } from "../../src/engine/dead-letter.ts"
import { matcherOf } from "../../src/engine/dead-letter-selection.ts"
import type { DeadLetterFailure } from "../../src/event/failure.ts"
import { deadLetterRecord } from "../support/failure-record.ts"
import { newEvent } from "../support/new-event.ts"

const isVoice = (body: string) =>
  matcherOf({ within: ["events.voice"] })({ body, failure: deadLetterRecord({ reason: "malformed" }) })

test("a corrupt dead letter is in no space of routing keys, because its own may have been changed", () => {
  const body = JSON.stringify(newEvent({ routing_key: "events.voice.ended" }))
  const letter = { body, failure: deadLetterRecord({ reason: "corrupt" }) }
  expect(matcherOf({ within: ["events.voice"] })(letter)).toBe(false)
  expect(matcherOf({})(letter)).toBe(true)
})

describe("a dead letter is selected by its failure", () => {
  const failure = deadLetterRecord({
    lastFailedAt: 2_000,
    error: { name: "Error", message: "503 from the service" },
  })
  const isSelected = (selection: DeadLetterSelection, changed: Partial<DeadLetterFailure> = {}) =>
    matcherOf(selection)({ body: "{}", failure: { ...failure, ...changed } })

  test.each<[DeadLetterSelection, boolean]>([
    [{ since: 2_000 }, true],
    [{ since: 2_001 }, false],
    [{ until: 2_001 }, true],
    [{ until: 2_000 }, false],
    [{ error: "Error: 503" }, true],
    [{ error: "404" }, false],
    [{ wholeError: "Error: 503 from the service" }, true],
    [{ wholeError: "Error: 503" }, false],
    [{ wholeError: "" }, false],
    [{ since: 1, until: 2_001, error: "service", reason: "attempts-exhausted" }, true],
    [{ since: 1, until: 2_001, error: "service", reason: "rejected" }, false],
  ])("%j: %p", (selection, expected) => expect(isSelected(selection)).toBe(expected))

  test("or by having no error", () => {
    expect(isSelected({ wholeError: "" }, { error: null })).toBe(true)
    expect(isSelected({ error: "x" }, { error: null })).toBe(false)
  })

  test("which is older than any time if it is not known", () => {
    expect(isSelected({ until: 1 }, { lastFailedAt: 0 })).toBe(true)
    expect(isSelected({ since: 1 }, { lastFailedAt: 0 })).toBe(false)
  })
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
