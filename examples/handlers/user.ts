import type { HandlerModule } from "event-broker"

/** Logs logins. `audit` gets copies, so this queue needs a module too: without one it fills up and refuses events. */
export default {
  queue: "user_events",
  on: {
    login: (event, ctx) => {
      ctx.log.info("user logged in", { user_id: event.payload["user_id"] })
    },
    // Discards all other events.
    "*": () => {},
  },
} satisfies HandlerModule
