import { HOSTILE } from "./unprintable.ts"

const LETTER = {
  event: { id: HOSTILE, type: HOSTILE, name: HOSTILE },
  reason: HOSTILE,
  attempts: 1,
  last_failed_at: 1,
  error: { name: HOSTILE, message: HOSTILE },
}

const EVENT = {
  id: HOSTILE,
  type: HOSTILE,
  name: HOSTILE,
  priority: "high",
  timestamp: 1,
  payload: { text: HOSTILE },
}

const QUEUE = {
  name: HOSTILE,
  bindings: [HOSTILE],
  waiting: 1,
  queued: 1,
  running: 1,
  retrying: null,
  oldest_waiting_age: null,
  max_length: 10,
  consumers: 1,
  dead_letters: 1,
  has_module: true,
  is_paused: false,
  is_busy: true,
  is_orphaned: false,
}

const PROBLEM = {
  type: "urn:event-broker:problem:internal",
  title: HOSTILE,
  detail: HOSTILE,
  errors: [{ pointer: HOSTILE, message: HOSTILE }],
}

const refuse = (status: number): Response =>
  new Response(JSON.stringify(PROBLEM), { status, headers: { "Content-Type": "application/problem+json" } })

/** Its responses by method and path, each with hostile text in every string. */
const ANSWERS: Readonly<Record<string, () => Response>> = {
  "GET /api/v1/dead-letters": () =>
    Response.json({ queues: [{ queue_name: HOSTILE, dead_letter_count: 1 }] }),
  "GET /api/v1/dead-letters/q": () => Response.json({ dead_letters: [LETTER] }),
  "GET /api/v1/queues": () =>
    Response.json({ queues: [QUEUE, { ...QUEUE, name: `漢字${HOSTILE}`, waiting: 22 }] }),
  "GET /metrics": () => new Response(""),
  "GET /api/v1/schemas": () => Response.json([{ type: HOSTILE, name: HOSTILE, versions: [1] }]),
  "GET /api/v1/schemas/voice/ended": () => Response.json({ title: HOSTILE, [HOSTILE]: 1 }),
  "POST /api/v1/schemas/voice/ended/validate": () => Response.json({ is_valid: false, ...PROBLEM }),
  "GET /api/v1/events/stream": () => {
    const headers = { "Content-Type": "text/event-stream" }
    return new Response(`event: event\ndata: ${JSON.stringify(EVENT)}\n\n`, { headers })
  },
  "POST /api/v1/events/batch": () =>
    new Response(`${JSON.stringify({ status: "failed", index: 0, problem: PROBLEM })}\n`, {
      headers: { "Content-Type": "application/x-ndjson" },
    }),
  "POST /api/v1/events": () => refuse(422),
  "GET /health": () => Response.json({ status: HOSTILE }),
  "GET /health/live": () => new Response(HOSTILE, { status: 503 }),
  "GET /openapi.json": () => Response.json({ info: { title: HOSTILE } }),
}

/** A service that answers every command with text that tries to take over the terminal. */
export const hostileService = () =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const { pathname } = new URL(request.url)
      return ANSWERS[`${request.method} ${pathname}`]?.() ?? refuse(404)
    },
  })
