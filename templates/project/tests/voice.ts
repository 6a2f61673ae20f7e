import { expect, test } from "bun:test"
import voice from "../handlers/voice.ts"
import { newContext, newEvent } from "./handler-context.ts"

const recognized = (text: string) =>
  newEvent({ type: "voice", name: "speech_recognized", payload: { call_id: "c-1", text } })

test("a caller who asks for a person raises an alert", async () => {
  const ctx = newContext()
  await voice.on.speech_recognized(recognized("a human, please"), ctx)
  expect(ctx.published).toMatchObject([{ name: "alert.raised", payload: { call_id: "c-1" } }])
})

test("a caller who does not ask for a person raises no alert", async () => {
  const ctx = newContext()
  await voice.on.speech_recognized(recognized("hello"), ctx)
  expect(ctx.published).toEqual([])
  expect(ctx.logged).toEqual(["heard: hello"])
})

test("speech without words becomes a dead letter", async () => {
  const ctx = newContext()
  const result = await voice.on.speech_recognized(recognized(" "), ctx)
  expect(result).toEqual(ctx.deadLetter("no words were recognized"))
})
