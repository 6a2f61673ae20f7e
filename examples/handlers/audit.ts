import type { HandlerModule } from "event-broker"

/** A queue of its own, bound by topic: it gets every user and system event beside the predefined queues. */
export default {
  queue: "audit",
  bind: ["events.user.#", "events.system.#"],
  on: {
    "*": (event, ctx) => {
      ctx.log.info(`audit ${event.type}.${event.name}`, { id: event.id })
    },
  },
} satisfies HandlerModule
