import { expect, test } from "bun:test"
import { adviseOnTopics } from "../../src/commands/topic-advice.ts"

const BINDINGS = ["events.voice.#", "events.user.#", "billing.*.paid"]

test.each([
  [["#"], null],
  [["events.voice.*", "events.#"], null],
  [["billing.eu.paid"], null],
  [["*.eu.*"], null],
  [
    ["voice"],
    "no queue takes events with the topic voice, so none will be shown; did you mean events.voice.#?",
  ],
  [
    ["voice.call.ended"],
    "no queue takes events with the topic voice.call.ended, so none will be shown; did you mean events.voice.call.ended?",
  ],
  [
    ["user.#", "#"],
    "no queue takes events with the topic user.#, so none will be shown; did you mean events.user.#?",
  ],
  [["billing.paid"], "no queue takes events with the topic billing.paid, so none will be shown"],
  [
    ["events.voice"],
    "events.voice is only the topic of these two words; for all events of the type, use events.voice.#",
  ],
] as const)("%p", (topics, advice) => {
  expect(adviseOnTopics(topics, BINDINGS)).toBe(advice)
})
