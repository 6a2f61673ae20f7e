import { expect, test } from "bun:test"
import voice from "../handlers/voice.ts"
import { newContext, newEvent } from "./handler-context.ts"

test("a caller who asks for a person raises an alert", async () => {
  const ctx = newContext()
  const event = newEvent({
    type: "voice",
    name: "speech_recognized",
    payload: { call_id: "c-1", text: "a human, please" },
  })
  await voice.on.speech_recognized(event, ctx)
  expect(ctx.published).toMatchObject([{ name: "alert.raised", payload: { call_id: "c-1" } }])
})

test("one who does not raises none", async () => {
  const ctx = newContext()
  const event = newEvent({
    type: "voice",
    name: "speech_recognized",
    payload: { call_id: "c-1", text: "hello" },
  })
  await voice.on.speech_recognized(event, ctx)
  expect(ctx.published).toEqual([])
  expect(ctx.logged).toEqual(["heard: hello"])
})
