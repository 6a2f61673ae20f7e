import type { HandlerModule } from "event-broker"
import prettyMilliseconds from "pretty-ms"

/** Logs how long a call took, in words. */
export default {
  queue: "voice_events",
  on: {
    "call.ended"(event, ctx) {
      const duration = prettyMilliseconds(Number(event.payload["duration_seconds"]) * 1_000)
      ctx.log.info(`the call took ${duration}`, { call_id: event.payload["call_id"] })
    },
  },
} satisfies HandlerModule
