import type { HandlerModule } from "event-broker"

/** Handles every notification, with its own number of attempts, backoff and timeout. */
export default {
  queue: "notification_events",
  retry: { attempts: 3, backoff: { initial: 500, factor: 2, max: 5_000 } },
  timeout: 10_000,
  on: {
    "*": (event, ctx) => {
      ctx.log.warn(`notification ${event.name}`, event.payload)
    },
  },
} satisfies HandlerModule
