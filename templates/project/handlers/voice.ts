import type { HandlerModule } from "event-broker"

/** Logs what was said, and publishes an alert when a caller asks for a person. */
export default {
  queue: "voice_events",
  retry: { attempts: 3, backoff: { initial: 1_000, factor: 2, max: 60_000 } },
  on: {
    async speech_recognized(event, ctx) {
      const text = String(event.payload["text"])
      ctx.log.info(`heard: ${text}`, { call_id: event.payload["call_id"] })
      if (/\b(human|person|agent)\b/i.test(text)) {
        await ctx.publish({
          type: "notification",
          name: "alert.raised",
          payload: { call_id: event.payload["call_id"], reason: "the caller asks for a person" },
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
