import { describe, expect, test } from "bun:test"
import { HttpConnection } from "../support/http-connection.ts"
import { HttpService } from "../support/http-service.ts"

const BODY = '{"type":"voice","name":"heard","payload":{}}'
const ENTITY = `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n`

/** Sends the head of a request unchanged, and its body if it has one. */
async function answerTo(...lines: readonly string[]) {
  await using service = await HttpService.start()
  using connection = new HttpConnection(service.port)
  return await connection.ask(
    `${lines.join("\r\n")}\r\n${lines[0]?.startsWith("POST") ? ENTITY : ""}\r\n${
      lines[0]?.startsWith("POST") ? BODY : ""
    }`,
  )
}

describe("a request is served", () => {
  test.each([
    ["of HTTP/1.0 without a Host", ["GET / HTTP/1.0"], 200],
    ["of HTTP/1.0 without a Host, as HAProxy checks", ["OPTIONS / HTTP/1.0"], 204],
    [
      "of HTTP/1.0 without a Host, with a query",
      ["GET /api/v1/dead-letters/user_events?limit=5 HTTP/1.0"],
      200,
    ],
    ["of HTTP/1.0 without a Host, with an encoded path", ["GET /api/v1/event%73/./stats HTTP/1.0"], 200],
    ["of HTTP/1.0 without a Host, that publishes", ["POST /api/v1/events HTTP/1.0"], 201],
    ["of HTTP/1.0 without a Host, with an absolute target", ["GET http://broker/health HTTP/1.0"], 200],
    ["with an empty Host", ["GET /health HTTP/1.1", "Host:"], 200],
    ["with an empty Host, that publishes", ["POST /api/v1/events HTTP/1.1", "Host: "], 201],
    ["with a Host that is only a port", ["GET /health HTTP/1.1", "Host: :8000"], 200],
    ["with a Host of a name", ["GET /health HTTP/1.1", "Host: Event-Broker_1.internal.:8000"], 200],
    ["with a Host of an IPv4 address", ["GET /health HTTP/1.1", "Host: 127.0.0.1:"], 200],
    ["with a Host of an IPv6 address", ["POST /api/v1/events HTTP/1.1", "Host: [::1]:8000"], 201],
    ["with a Host that is not in DNS", ["GET /health HTTP/1.1", "Host: no_such_name"], 200],
  ] as const)("%s", async (_, lines, status) => {
    expect((await answerTo(...lines))?.status).toBe(status)
  })
})

describe("a request is rejected as malformed, and nothing is stored,", () => {
  test.each([
    ["a b"],
    ["a/b"],
    ["a\\b"],
    ["user@a"],
    ["a?b"],
    ["a#b"],
    ["http://a"],
    ["a:b"],
    ["a:65536"],
    ["a:1:2"],
    ["::1"],
    ["[::1"],
    ["[::1]a"],
    ["a%zz"],
    ["<a>"],
    ["ä"],
    ["a\r\nHost: b"],
    ["a\r\nHost: a"],
    ["a\r\nHost:"],
  ])("whose Host is %j", async (host) => {
    for (const line of ["POST /api/v1/events HTTP/1.1", "GET /nothing HTTP/1.1", "OPTIONS / HTTP/1.0"]) {
      const answer = await answerTo(line, `Host: ${host}`)
      expect(answer?.status).toBe(400)
      expect(answer?.headers.get("content-type")).toBe("application/problem+json")
      expect(JSON.parse(answer?.body ?? "")).toMatchObject({
        type: "urn:event-broker:problem:malformed-request",
        retryable: false,
      })
    }
  })

  test("if it is HTTP/1.1 without a Host", async () => {
    expect((await answerTo("GET /health HTTP/1.1"))?.status).toBe(400)
  })
})
