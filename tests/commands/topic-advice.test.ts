import { expect, test } from "bun:test"
import { adviseOnTopics } from "../../src/commands/topic-advice.ts"

const BINDINGS = ["events.voice.#", "events.user.#", "billing.*.paid", "orders.placed", "events.refunds.read"]

const CASES: readonly (readonly [topics: readonly string[], ...advice: string[]])[] = [
  [["#"]],
  [["events.voice.*", "events.#"]],
  [["billing.eu.paid"]],
  [["*.eu.*"]],
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
  [["*"], "no queue takes events with the topic *, so none will be shown; did you mean events.#?"],
  [["billing.paid"], "no queue takes events with the topic billing.paid, so none will be shown"],
  [
    ["events.voice"],
    "events.voice is only the topic of these two words; for all events of the type, use events.voice.#",
  ],
  [
    ["orders.plased"],
    "no queue takes events with the topic orders.plased, so none will be shown; did you mean orders.placed?",
  ],
  [
    ["refunds.ready"],
    "no queue takes events with the topic refunds.ready, so none will be shown; did you mean events.refunds.read?",
  ],
  [
    ["events.voice.voice.ended", "events.voice.events.voice.#"],
    "events.voice.voice.ended repeats its beginning; did you mean events.voice.ended?",
    "events.voice.events.voice.# repeats its beginning; did you mean events.voice.#?",
  ],
  [["events.voice.voice", "events.voice.user.ended", "events.voice.voicemail.left"]],
]

test.each(CASES)("%p", (topics, ...advice) => {
  expect(adviseOnTopics(topics, BINDINGS)).toEqual(advice)
})
