import type { HandlerModule, HandlerResult } from "event-broker"

/** Logs recognized speech, and publishes an alert when a caller asks for a person. */
export default {
  queue: "voice_events",
  retry: { attempts: 3, backoff: { initial: 1_000, factor: 2, max: 60_000 } },
  on: {
    async speech_recognized(event, ctx): Promise<HandlerResult> {
      const { call_id, text } = event.payload
      if (text.trim() === "") return ctx.deadLetter("no words were recognized")
      ctx.log.info(`heard: ${text}`, { call_id })
      if (/\b(human|person|agent)\b/i.test(text)) {
        await ctx.publish({
          type: "notification",
          name: "alert.raised",
          payload: { call_id, reason: "the caller asks for a person" },
          priority: "high",
        })
      }
    },
    "call.ended": async (event, ctx) => {
      if (event.payload["duration_seconds"] === undefined) throw new Error("a call without a duration")
      ctx.log.info("the call has ended", { seconds: event.payload["duration_seconds"] })
    },
  },
} satisfies HandlerModule
