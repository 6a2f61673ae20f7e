import { existsSync } from "node:fs"
import type { HandlerModule } from "event-broker"

/** The second server is down while this file exists in the working folder of the service. */
const DOWN = "crm-b.down"

/** Looks up users in a CRM that has two servers, each with half of the users. */
export default {
  queue: "user_events",
  retry: { attempts: 2, backoff: { initial: 100 } },
  on: {
    login: (event, ctx) => {
      const server = Number(event.payload["user"]) % 2 === 0 ? "crm-a" : "crm-b"
      if (server === "crm-b" && existsSync(DOWN)) throw new Error(`${server} does not answer`)
      ctx.log.info(`user found in ${server}`, { user: event.payload["user"] })
    },
  },
} satisfies HandlerModule
