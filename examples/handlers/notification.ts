import type { HandlerModule } from "event-broker"

/** Takes every notification; shows how often an event is tried and how long a handler may take. */
export default {
  queue: "notification_events",
  retry: { attempts: 3, backoff: { initial: 500, factor: 2, max: 5_000 } },
  timeout: 10_000,
  on: {
    "*": (event, ctx) => {
      ctx.log.warn(`notification ${event.name}`, { ...event.payload, attempt: ctx.attempt })
    },
  },
} satisfies HandlerModule
