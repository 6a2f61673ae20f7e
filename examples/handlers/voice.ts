import type { HandlerModule } from "event-broker"

/** Logs recognized speech, and publishes an alert when a caller asks for a person. */
export default {
  queue: "voice_events",
  on: {
    async speech_recognized(event, ctx) {
      const text = String(event.payload["text"] ?? "")
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
    "call.ended": (event, ctx) => {
      ctx.log.info("call ended", { call_id: event.payload["call_id"] })
    },
  },
} satisfies HandlerModule
