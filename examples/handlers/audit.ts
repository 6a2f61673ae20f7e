import type { HandlerModule } from "event-broker"

/** Logs every user and system event, from an additional queue that is bound by topic. */
export default {
  queue: "audit",
  bind: ["events.user.#", "events.system.#"],
  on: {
    "*": (event, ctx) => {
      ctx.log.info(`audit ${event.type}.${event.name}`, { id: event.id })
    },
  },
} satisfies HandlerModule
