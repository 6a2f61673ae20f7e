import { expect, test } from "bun:test"
import type { Answer } from "../support/http-answer.ts"
import { HttpConnection } from "../support/http-connection.ts"
import { HttpService } from "../support/http-service.ts"

const STREAM = "/api/v1/events/stream"

/** More than the limit of live clients. */
const MANY = 1_100

/** Headers that differ between any two responses. */
const VARYING = ["date", "x-request-id"]

const ask = (connection: HttpConnection, method: string, path: string) =>
  connection.ask(`${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)

const headersOf = (answer: Answer | null) =>
  [...(answer?.headers ?? [])].filter(([name]) => !VARYING.includes(name)).toSorted()

test.each([
  "/",
  "/health",
  "/health/ready",
  "/health/live",
  "/health/rabbitmq",
  "/docs",
  "/docs/start.js",
  "/docs/swagger-ui.css",
  "/docs/nothing",
  "/console",
  "/console/nothing",
  "/redoc",
  "/redoc/start.js",
  "/openapi.json",
  "/asyncapi.json",
  "/api/v1/events/queues",
  "/api/v1/events/types",
  "/api/v1/events/stats",
  "/api/v1/dead-letters",
  "/api/v1/dead-letters/user_events",
  "/api/v1/dead-letters/nothing",
  "/api/v1/dead-letters/user_events?limit=none",
  "/api/v1/schemas",
  "/api/v1/schemas/voice/heard",
  STREAM,
  `${STREAM}?format=none`,
  "/nothing",
  "/%",
])("HEAD of %s has the status and headers of GET, and no body", async (path) => {
  await using service = await HttpService.start({ schemas: [{ path: "voice/heard.json", schema: {} }] })
  using connection = new HttpConnection(service.port)
  const got = await ask(connection, "GET", path)
  const head = await ask(connection, "HEAD", path)
  expect(head?.status).toBe(got?.status ?? 0)
  expect(headersOf(head)).toEqual(headersOf(got))
  // A body sent nevertheless would be read as the next response.
  expect((await ask(connection, "GET", "/health/live"))?.body).toBe('{"status":"alive"}')
})

test("HEAD of the metrics has the headers of GET, and its own Content-Length", async () => {
  await using service = await HttpService.start()
  using connection = new HttpConnection(service.port)
  const got = await ask(connection, "GET", "/metrics")
  const head = await ask(connection, "HEAD", "/metrics")
  expect(headersOf(head).map(([name]) => name)).toEqual(headersOf(got).map(([name]) => name))
  expect(head?.headers.get("content-type")).toBe(got?.headers.get("content-type") ?? "")
  expect(Number(head?.headers.get("content-length"))).toBeGreaterThan(1_000)
})

test("HEAD of a route without GET is 405, and names the allowed methods", async () => {
  await using service = await HttpService.start()
  using connection = new HttpConnection(service.port)
  const head = await ask(connection, "HEAD", "/api/v1/queues/x/purge")
  expect([head?.status, head?.headers.get("allow")]).toEqual([405, "POST, OPTIONS"])
})

test("HEAD of the live stream does not join it, however often it is sent", async () => {
  await using service = await HttpService.start()
  using connection = new HttpConnection(service.port)
  for (let i = 0; i < MANY; i++) {
    expect((await ask(connection, "HEAD", STREAM))?.status).toBe(200)
    expect(service.live.clientCount).toBe(0)
  }
  using stream = new HttpConnection(service.port)
  expect((await ask(stream, "GET", STREAM))?.status).toBe(200)
})
