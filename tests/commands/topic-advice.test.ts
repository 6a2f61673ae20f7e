import { expect, test } from "bun:test"
import { adviseOnTopics } from "../../src/commands/topic-advice.ts"

const QUEUES = [
  { name: "voice_events", bindings: ["events.voice.#"] },
  { name: "user_events", bindings: ["events.user.#"] },
  { name: "others", bindings: ["billing.*.paid", "orders.placed", "events.refunds.read"] },
  { name: "unbound", bindings: [] },
]

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
  [["/"], "no queue takes events with the topic /, so none will be shown"],
  [
    ["unbound"],
    "no queue takes events with the topic unbound, so none will be shown; for an event of this name, use events.*.unbound",
  ],
  [
    ["call.ended"],
    "no queue takes events with the topic call.ended, so none will be shown; for an event of this name, use events.*.call.ended",
  ],
  [
    ["events.voic.#"],
    "no queue takes events with the topic events.voic.#, so none will be shown; did you mean events.voice.#?",
  ],
  [
    ["vioce.ended"],
    "no queue takes events with the topic vioce.ended, so none will be shown; did you mean events.voice.ended?",
  ],
  [
    ["voice_events"],
    "no queue takes events with the topic voice_events, so none will be shown; for the events of this queue, use events.voice.#",
  ],
  [
    ["events.*", "*.*"],
    "events.* takes topics of two words, and those of events have three or more; did you mean events.#?",
  ],
  [
    ["events.voice.call_*"],
    "in events.voice.call_*, call_* is no wildcard: * stands for one whole word, and # for any number of words",
  ],
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
  expect(adviseOnTopics(topics, QUEUES)).toEqual(advice)
})
