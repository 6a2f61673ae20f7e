import type { HandlerModule } from "event-broker"

/** Discards system events, of which `audit` gets copies: a queue without a module fills up and refuses events. */
export default {
  queue: "system_events",
  on: { "*": () => {} },
} satisfies HandlerModule
