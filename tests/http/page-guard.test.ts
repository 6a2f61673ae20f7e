import { describe, expect, test } from "bun:test"
import { hostname } from "node:os"
import { parseConfig } from "../../src/config.ts"
import { type PageRules, pageRules, refuseForeignPages } from "../../src/http/access/page-guard.ts"
import { ProblemError } from "../../src/http/problem.ts"
import { HostReader } from "../../src/http/request-host.ts"
import { HttpService } from "../support/http-service.ts"
import { KeysFile } from "../support/keys-file.ts"
import { statsOf } from "../support/queue-stats.ts"
import { RawConnection } from "../support/raw-connection.ts"

const OPEN: PageRules = { hasKeys: false, allowed: [], own: [], origins: [] }
const EVENT = JSON.stringify({ type: "voice", name: "ended", payload: {} })

/** Returns the problem of a request with these headers; null if it may pass. */
function problemOf(method: string, headers: Record<string, string>, rules: Partial<PageRules> = {}) {
  try {
    const all = new Headers(headers)
    refuseForeignPages(method, new HostReader().read(all.get("host")), all, { ...OPEN, ...rules })
    return null
  } catch (error) {
    if (error instanceof ProblemError) return error
    throw error
  }
}

const slugOf = (...asked: Parameters<typeof problemOf>) => problemOf(...asked)?.slug ?? null

describe("a service without keys", () => {
  test.each([
    "",
    "127.0.0.1:8000",
    "192.168.1.7",
    "[::1]:8000",
    ":8000",
    "localhost:8000",
    "LOCALHOST.",
    "api.localhost",
    "event-broker:8000",
    "event_broker",
    "event-broker.default.svc:8000",
    "event-broker.default.svc.cluster.local.",
    "broker.local",
    "Broker.Lan:80",
    "nas.home.arpa",
    "host.docker.internal",
    "broker.test",
  ])("answers to %j, which no public web page can have as its name", (host) => {
    expect(slugOf("GET", { Host: host })).toBeNull()
  })

  test.each([
    "evil.example",
    "evil.example:8000",
    "evil.example.",
    "127.0.0.1.nip.io",
    "localhost.evil.example",
    "evillocalhost.com",
    "local.dev",
    "notlocal.xlocal",
  ])("does not answer to %j, whatever is requested", (host) => {
    for (const method of ["GET", "HEAD", "OPTIONS", "POST", "DELETE"]) {
      expect(slugOf(method, { Host: host })).toBe("misdirected-request")
    }
    expect(problemOf("GET", { Host: host })?.message).toContain("ALLOWED_HOSTS")
  })

  test.each(["[evil.example]", "127.0.0.1, evil.example", "localhost@evil.example", "a b"])(
    "does not answer to %j, which is not a host",
    (host) => {
      for (const method of ["GET", "POST"]) expect(slugOf(method, { Host: host })).toBe("malformed-request")
    },
  )

  test("answers to this machine's name, HOST and SERVICE_HOST, in addition to ALLOWED_HOSTS", () => {
    for (const ALLOWED_HOSTS of ["", "other.example"]) {
      const rules = pageRules(
        parseConfig({ HOST: "Listen.example", SERVICE_HOST: "service.example.", ALLOWED_HOSTS }),
      )
      for (const name of [hostname(), "listen.example", "service.example:8000"]) {
        expect(slugOf("GET", { Host: name }, rules)).toBeNull()
      }
      expect(slugOf("GET", { Host: "listen.example.com" }, rules)).toBe("misdirected-request")
    }
  })

  const host = { Host: "127.0.0.1:8000" }
  const foreign: readonly (readonly [string, Record<string, string>])[] = [
    ["another name", { ...host, Origin: "https://evil.example" }],
    ["another port", { ...host, Origin: "http://127.0.0.1:9000" }],
    ["the scheme's port", { ...host, Origin: "http://127.0.0.1" }],
    ["a port where there is none", { Host: "broker.local", Origin: "http://broker.local:8000" }],
    ["an opaque origin", { ...host, Origin: "null" }],
    ["no origin at all", { ...host, Origin: "" }],
    ["another scheme", { ...host, Origin: "chrome-extension://127.0.0.1:8000" }],
    ["two origins", { ...host, Origin: "http://127.0.0.1:8000, https://evil.example" }],
    ["a name that starts the same", { Host: "localhost", Origin: "http://localhost.evil.example" }],
    ["no host to compare with", { Origin: "http://127.0.0.1:8000" }],
    ["another site, according to the browser", { ...host, "Sec-Fetch-Site": "cross-site" }],
    [
      "another site, with the service's name",
      { ...host, Origin: "http://127.0.0.1:8000", "Sec-Fetch-Site": "cross-site" },
    ],
    [
      "the same site and another port",
      { ...host, Origin: "http://127.0.0.1:9000", "Sec-Fetch-Site": "same-site" },
    ],
  ]
  test.each(foreign)("rejects changes from a page with %s", (_, headers) => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "post", "BREW"]) {
      expect(slugOf(method, headers)).toBe("foreign-page")
    }
    for (const method of ["GET", "HEAD", "OPTIONS"]) expect(slugOf(method, headers)).toBeNull()
  })

  const own: readonly (readonly [string, Record<string, string>])[] = [
    ["a program, which sends no origin", host],
    ["its own page", { ...host, Origin: "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin" }],
    ["its own page in a browser without Sec-Fetch-Site", { ...host, Origin: "http://127.0.0.1:8000" }],
    ["its own page at an IPv6 address", { Host: "[::1]:8000", Origin: "http://[::1]:8000" }],
    ["its own page behind a proxy that ends TLS", { Host: "broker.local", Origin: "https://broker.local" }],
    ["the same, with the port in the host", { Host: "Broker.local.:443", Origin: "https://broker.local" }],
    [
      "its own page behind a proxy that changes the host",
      { ...host, Origin: "https://broker.local", "Sec-Fetch-Site": "same-origin" },
    ],
    ["its user, through the address bar", { ...host, "Sec-Fetch-Site": "none" }],
  ]
  test.each(own)("accepts changes from %s", (_, headers) => {
    expect(slugOf("POST", headers)).toBeNull()
  })

  test("accepts changes from pages of the origins in CORS_ORIGINS, and from all with an asterisk", () => {
    const page = { ...host, Origin: "https://console.example", "Sec-Fetch-Site": "cross-site" }
    expect(slugOf("POST", page, { origins: ["https://console.example"] })).toBeNull()
    expect(slugOf("POST", page, { origins: ["*"] })).toBeNull()
    expect(slugOf("POST", page, { origins: ["https://other.example"] })).toBe("foreign-page")
  })
})

test("with ALLOWED_HOSTS a service answers only to these names, addresses and localhost", () => {
  for (const hasKeys of [true, false]) {
    const rules = { hasKeys, allowed: parseConfig({ ALLOWED_HOSTS: "Broker.example.com., b" }).ALLOWED_HOSTS }
    for (const host of [
      "broker.example.com",
      "BROKER.example.com.:8443",
      "b:80",
      "10.0.0.3:8000",
      "localhost",
      "",
    ]) {
      expect(slugOf("GET", { Host: host }, rules)).toBeNull()
    }
    for (const host of ["example.com", "x.broker.example.com", "event-broker", "broker.local"]) {
      expect(slugOf("GET", { Host: host }, rules)).toBe("misdirected-request")
    }
    expect(slugOf("GET", { Host: "evil.example" }, { ...rules, allowed: ["*"] })).toBeNull()
  }
})

test("with keys a service answers to any name, and a page's origin does not matter", () => {
  const page = { Host: "broker.example.com", Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }
  expect(slugOf("POST", page, { hasKeys: true })).toBeNull()
})

describe("over a socket", () => {
  async function answerTo(service: HttpService, head: string, body = "") {
    using connection = new RawConnection(service.port)
    connection.send(`${head}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    return await connection.head()
  }

  test("a page of another origin can't publish, and a page with its own name can't read", async () => {
    await using service = await HttpService.start()
    const publish = "POST /api/v1/events HTTP/1.1\r\nContent-Type: text/plain;application/json"
    const json = "POST /api/v1/events HTTP/1.1\r\nContent-Type: application/json"
    const elsewhere = `Host: 127.0.0.1:${service.port}\r\nOrigin: https://evil.example`
    expect(await answerTo(service, `${publish}\r\n${elsewhere}`, EVENT)).toStartWith("HTTP/1.1 403")
    expect(await answerTo(service, `${json}\r\n${elsewhere}`, EVENT)).toStartWith("HTTP/1.1 403")
    expect(await answerTo(service, `${json}\r\nHost: evil.example`, EVENT)).toStartWith("HTTP/1.1 421")
    const read = await answerTo(service, "GET /api/v1/events/stats HTTP/1.1\r\nHost: evil.example:8000")
    expect(read).toStartWith("HTTP/1.1 421")
    expect(read).toContain("application/problem+json")
    expect(await statsOf(service.engine, "voice_events")).toMatchObject({ messageCount: 0 })
    const own = `Host: 127.0.0.1:${service.port}\r\nOrigin: http://127.0.0.1:${service.port}`
    expect(await answerTo(service, `${json}\r\n${own}`, EVENT)).toStartWith("HTTP/1.1 201")
  })

  test("a probe is answered at a pod's address, and at any name if the service has keys", async () => {
    await using open = await HttpService.start()
    expect(await answerTo(open, "GET /health/ready HTTP/1.1\r\nHost: 10.1.2.3:8000")).toStartWith(
      "HTTP/1.1 200",
    )
    using keys = new KeysFile([{ name: "a", scope: ["read"] }])
    await using guarded = await HttpService.start({ keys: keys.ring })
    const named = "GET /health/ready HTTP/1.1\r\nHost: broker.example.com"
    expect(await answerTo(guarded, named)).toStartWith("HTTP/1.1 200")
  })
})
