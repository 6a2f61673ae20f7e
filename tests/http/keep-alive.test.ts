import { expect, test } from "bun:test"
import { HttpService } from "../support/http-service.ts"
import { RawConnection } from "../support/raw-connection.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 60_000

const LINE = '{"type":"voice","name":"heard","payload":{}}\n'

/** Last requests on their connections. Some may take any time until they are answered. */
const REQUESTS = [
  "GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /api/v1/dead-letters/user_events HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /api/v1/dead-letters/nothing HTTP/1.1\r\nHost: x\r\n\r\n",
  "HEAD /api/v1/events/stream HTTP/1.1\r\nHost: x\r\n\r\n",
  `POST /api/v1/events/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${LINE.length}\r\n\r\n${LINE}`,
]

test(
  "an idle connection is closed, whatever was requested on it",
  async () => {
    await using service = await HttpService.start({ keepAliveTimeoutMs: 1_000 })
    using live = new RawConnection(service.port)
    live.send("GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\n\r\n")
    await live.head()
    await Promise.all(
      REQUESTS.map(async (request) => {
        using connection = new RawConnection(service.port)
        connection.send(request)
        await connection.head()
        expect(connection.isClosed).toBe(false)
        await waitUntil(() => connection.isClosed, `the connection to be closed after ${request}`)
      }),
    )
    expect(live.isClosed).toBe(false)
  },
  TIMEOUT_MS,
)
