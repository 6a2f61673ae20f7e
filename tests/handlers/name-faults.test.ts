import { expect, test } from "bun:test"
import { findNameFaults } from "../../src/handlers/name-faults.ts"
import { moduleManifest } from "../support/job-request.ts"

const QUEUES = [
  { name: "voice_events", bindings: ["events.voice.#"] },
  { name: "all", bindings: ["events.#"] },
  { name: "own", bindings: ["orders.#"] },
]

const meantOf = (queue: string, names: readonly string[], known: readonly { readonly name: string }[] = []) =>
  findNameFaults([moduleManifest({ file: "a.ts", queue, names })], QUEUES, known).map(({ meant }) => meant)

test.each([
  ["voice_events", "voice.call.ended", "call.ended"],
  ["voice_events", "events.voice.call.ended", "call.ended"],
  ["voice_events", "events.call.ended", "call.ended"],
  ["all", "user.login", "login"],
])("a function of %s with the key %s repeats the type", (queue, name, meant) => {
  expect(meantOf(queue, ["*", name])).toEqual([meant])
})

test.each([
  ["voice_events", "user.login"],
  ["voice_events", "voice"],
  ["voice_events", "voicemail.left"],
  ["own", "voice.ended"],
])("a function of %s with the key %s does not", (queue, name) => {
  expect(meantOf(queue, [name])).toEqual([])
})

test("a name that an event with a schema has is meant", () => {
  expect(meantOf("voice_events", ["voice.mail"], [{ name: "voice.mail" }])).toEqual([])
})
