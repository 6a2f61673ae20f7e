import type { Event } from "../src/event/envelope.ts"

/** An event as the service stores it, of the platform's usual size. */
export const recognisedSpeech = (): Event => ({
  id: Bun.randomUUIDv7(),
  type: "voice",
  name: "speech_recognized",
  routing_key: "events.voice.speech_recognized",
  payload: { call_id: "c-4711", text: "hello there, how can I help you today?", confidence: 0.97 },
  priority: "high",
  metadata: { session: "s-42", language: "en" },
  timestamp: Date.now() / 1_000,
  status: "pending",
  retry_count: 0,
})
