import { describe, expect, test } from "bun:test"
import { RateLimit } from "../../src/http/access/rate-limit.ts"
import { HttpService } from "../support/http-service.ts"
import { problemOf } from "../support/problem-of.ts"
import { RawConnection } from "../support/raw-connection.ts"
import { waitUntil } from "../support/wait-until.ts"

const EVENTS = "/api/v1/events"
const EVENT = { type: "custom", name: "limited", payload: {} }
const BODY = JSON.stringify(EVENT)

const head = (path: string, ...headers: readonly string[]) =>
  [`POST ${path} HTTP/1.1`, "Host: x", "Content-Type: application/json", ...headers, "", ""].join("\r\n")

describe("a body that does not arrive in time", () => {
  test.each([
    ["with a declared length", [`Content-Length: ${BODY.length}`], BODY.slice(0, 5)],
    ["in chunks", ["Transfer-Encoding: chunked"], "5\r\n[1,2,\r\n"],
  ])("%s is rejected, and its connection is closed", async (_, headers, part) => {
    await using service = await HttpService.start({ bodyTimeoutMs: 50 })
    using connection = new RawConnection(service.port)
    connection.send(head(EVENTS, ...headers))
    connection.send(part)
    const answer = await connection.head()
    expect(answer).toStartWith("HTTP/1.1 408 ")
    expect(answer.toLowerCase()).toContain("connection: close")
    await waitUntil(() => connection.isClosed, "the connection to end")
    expect((await service.post(EVENTS, EVENT)).status).toBe(201)
  })
})

describe("a rate limit", () => {
  /** Starts a service with this rate limit, on a clock that the test controls. */
  async function limited(perSecond: number) {
    const clock = { now: 0 }
    const service = await HttpService.start({ rates: new RateLimit(perSecond, () => clock.now) })
    return { clock, service }
  }

  test("is shown in every response, and rejects further requests until tokens are refilled", async () => {
    const { clock, service } = await limited(4)
    await using _ = service
    for (const left of [3, 2, 1, 0]) {
      const response = await service.post(EVENTS, EVENT)
      expect(response.status).toBe(201)
      expect(response.headers.get("ratelimit-policy")).toBe('"key";q=4;w=1')
      expect(response.headers.get("ratelimit")).toBe(`"key";r=${left};t=1`)
    }
    const refused = await service.post(EVENTS, EVENT)
    expect(refused.headers.get("retry-after")).toBe("1")
    const problem = await problemOf(refused, "rate-limited", 429)
    expect(problem).toMatchObject({ retryable: true, outcome: "not-stored" })
    clock.now += 250
    expect((await service.post(EVENTS, EVENT)).status).toBe(201)
    expect((await service.post(EVENTS, EVENT)).status).toBe(429)
    clock.now += 60_000
    for (let i = 0; i < 4; i++) expect((await service.get("/api/v1/events/stats")).status).toBe(200)
    expect((await service.get("/api/v1/events/stats")).status).toBe(429)
  })

  test("counts the events of a batch, which is accepted whole and paid back by later requests", async () => {
    const { clock, service } = await limited(10)
    await using _ = service
    const batch = await service.post(`${EVENTS}/batch`, { events: Array(25).fill(EVENT) })
    expect(batch.status).toBe(201)
    expect(batch.headers.get("ratelimit")).toBe('"key";r=0;t=3')
    const refused = await service.post(EVENTS, EVENT)
    expect(refused.status).toBe(429)
    expect(refused.headers.get("retry-after")).toBe("2")
    clock.now += 1_600
    expect((await service.post(EVENTS, EVENT)).status).toBe(201)
  })

  test("does not apply to the probes", async () => {
    const { service } = await limited(1)
    await using _ = service
    expect((await service.post(EVENTS, EVENT)).status).toBe(201)
    for (let i = 0; i < 5; i++) {
      const response = await service.get("/health/ready")
      expect(response.status).toBe(200)
      expect(response.headers.has("ratelimit")).toBe(false)
    }
  })
})

test("every response tells browsers that it is not a page", async () => {
  await using service = await HttpService.start()
  const answers = await Promise.all([
    service.post(EVENTS, EVENT),
    service.post(`${EVENTS}/batch`, { events: [EVENT] }),
    service.post(EVENTS, {}),
    service.get("/health"),
    service.get("/metrics"),
    service.get("/nowhere"),
    fetch(service.url, { method: "DELETE" }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 422, 200, 200, 404, 405])
  for (const { headers } of answers) {
    expect(headers.get("x-content-type-options")).toBe("nosniff")
    expect(headers.get("cache-control")).toBe("no-store")
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(headers.has("x-request-id")).toBe(true)
  }
})

describe("pages of other origins", () => {
  const ORIGIN = "https://console.example.com"
  const preflight = (service: HttpService, origin: string) =>
    fetch(service.url + EVENTS, {
      method: "OPTIONS",
      headers: {
        Origin: origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
      },
    })

  test("are rejected, and can't read responses, if no origin is allowed", async () => {
    await using service = await HttpService.start()
    const response = await service.post(EVENTS, EVENT, { Origin: ORIGIN })
    expect(response.status).toBe(403)
    expect([...response.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([])
    const asked = await preflight(service, ORIGIN)
    expect(asked.headers.get("allow")).toContain("POST")
    expect([...asked.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([])
  })

  test("may use the service and read its problems if their origin is allowed; others may not", async () => {
    await using service = await HttpService.start({ corsOrigins: [ORIGIN] })
    const asked = await preflight(service, ORIGIN)
    expect(asked.status).toBe(204)
    expect(asked.headers.has("x-request-id")).toBe(true)
    expect(asked.headers.get("x-content-type-options")).toBe("nosniff")
    expect(asked.headers.get("access-control-allow-origin")).toBe(ORIGIN)
    expect(asked.headers.get("access-control-allow-methods")?.split(", ")).toContain("POST")
    expect(asked.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("content-type")
    for (const event of [EVENT, {}]) {
      const response = await service.post(EVENTS, event, { Origin: ORIGIN })
      expect(response.headers.get("access-control-allow-origin")).toBe(ORIGIN)
      expect(response.headers.get("access-control-expose-headers")).toContain("X-Request-Id")
      expect(response.headers.get("vary")).toBe("Origin")
    }
    const other = "https://elsewhere.example.com"
    expect((await preflight(service, other)).headers.has("access-control-allow-methods")).toBe(false)
    const response = await service.post(EVENTS, EVENT, { Origin: other })
    expect(response.headers.has("access-control-allow-origin")).toBe(false)
    expect(response.headers.get("vary")).toBe("Origin")
  })

  test("may all use it with an asterisk", async () => {
    await using service = await HttpService.start({ corsOrigins: ["*"] })
    const response = await service.post(EVENTS, EVENT, { Origin: ORIGIN })
    expect(response.headers.get("access-control-allow-origin")).toBe(ORIGIN)
  })
})
