import { describe, expect, test } from "bun:test"
import { VERSION } from "../../src/version.ts"
import { HttpService } from "../support/http-service.ts"
import { problemOf } from "../support/problem-of.ts"

const ROUTES = [
  ["post", "/api/v1/events"],
  ["post", "/api/v1/events/batch"],
  ["get", "/api/v1/events/stream"],
  ["get", "/api/v1/events"],
  ["get", "/api/v1/events/{id}"],
  ["get", "/api/v1/events/outcomes"],
  ["get", "/api/v1/replays"],
  ["post", "/api/v1/replays"],
  ["get", "/api/v1/replays/{id}"],
  ["delete", "/api/v1/replays/{id}"],
  ["post", "/api/v1/replays/{id}/resume"],
  ["get", "/api/v1/events/queues"],
  ["get", "/api/v1/events/types"],
  ["get", "/api/v1/events/stats"],
  ["post", "/api/v1/events/queues/{queue}/pause"],
  ["post", "/api/v1/events/queues/{queue}/resume"],
  ["get", "/api/v1/queues"],
  ["get", "/api/v1/queues/{queue}"],
  ["delete", "/api/v1/queues/{queue}"],
  ["post", "/api/v1/queues/{queue}/purge"],
  ["post", "/api/v1/queues/{queue}/unbind"],
  ["get", "/api/v1/dead-letters"],
  ["get", "/api/v1/dead-letters/{queue}"],
  ["delete", "/api/v1/dead-letters/{queue}"],
  ["post", "/api/v1/dead-letters/{queue}/redrive"],
  ["post", "/api/v1/dead-letters/{queue}/purge"],
  ["post", "/api/v1/dead-letters/{queue}/redrive-edited"],
  ["get", "/health"],
  ["get", "/health/ready"],
  ["get", "/health/live"],
  ["get", "/health/rabbitmq"],
  ["get", "/metrics"],
  ["get", "/api/v1/modules"],
  ["post", "/api/v1/modules/reload"],
  ["get", "/api/v1/schemas"],
  ["get", "/api/v1/schemas/{type}/{name}"],
  ["post", "/api/v1/schemas/{type}/{name}/validate"],
  ["get", "/api/v1/me"],
  ["get", "/api/v1/overview"],
  ["get", "/"],
  ["get", "/console"],
  ["get", "/console/{file}"],
  ["get", "/docs"],
  ["get", "/docs/{asset}"],
  ["get", "/redoc"],
  ["get", "/redoc/{asset}"],
  ["get", "/openapi.json"],
  ["get", "/asyncapi.json"],
] as const

test("the predefined queues are listed with their limits", async () => {
  await using service = await HttpService.start({
    limits: { ttlMs: 5_000, maxLength: 7, overflow: "drop-head" },
  })
  const response = await service.get("/api/v1/events/queues")
  expect(response.status).toBe(200)
  const limits = { durable: true, auto_delete: false, ttl: 5_000, max_length: 7, overflow: "drop-head" }
  expect(await response.json()).toEqual({
    voice_events: { routing_key: "events.voice.#", ...limits },
    user_events: { routing_key: "events.user.#", ...limits },
    system_events: { routing_key: "events.system.#", ...limits },
    notification_events: { routing_key: "events.notification.#", ...limits },
    custom_events: { routing_key: "events.custom.#", ...limits },
  })
})

test("the five event types are listed", async () => {
  await using service = await HttpService.start()
  const response = await service.get("/api/v1/events/types")
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual(["voice", "user", "system", "notification", "custom"])
})

test("the stats list every queue, including those of modules", async () => {
  await using service = await HttpService.start()
  const limits = { ttlMs: 60_000, maxLength: 10, overflow: "reject-publish" } as const
  await service.engine.declareQueues([{ name: "own", bindings: ["a.*", "b.#"], ...limits }])
  const draft = { type: "custom", name: "x", routing_key: "a.x", payload: {} }
  expect((await service.post("/api/v1/events", draft)).status).toBe(201)
  const response = await service.get("/api/v1/events/stats")
  expect(response.status).toBe(200)
  const stats = (await response.json()) as readonly { readonly queue_name: string }[]
  expect(stats.map(({ queue_name }) => queue_name).toSorted()).toEqual([
    "custom_events",
    "notification_events",
    "own",
    "system_events",
    "user_events",
    "voice_events",
  ])
  expect<unknown>(stats.find(({ queue_name }) => queue_name === "own")).toEqual({
    queue_name: "own",
    message_count: 1,
    waiting_count: 1,
    running_count: 0,
    retrying_count: 0,
    oldest_waiting_age: expect.any(Number),
    consumer_count: 0,
    routing_key: "a.*,b.#",
    is_durable: true,
    dead_letter_count: 0,
    is_paused: false,
    is_orphaned: true,
  })
})

describe("the health", () => {
  test.each(["/health", "/health/ready"])("of a ready service is 200 at %s", async (path) => {
    await using service = await HttpService.start()
    const response = await service.get(path)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      status: "ready",
      engine: "embedded",
      checks: { engine: { status: "up" }, pool: { status: "up" } },
    })
  })

  test.each(["starting", "unavailable", "stopping"] as const)(
    "of a service that is %s is 503",
    async (health) => {
      await using service = await HttpService.start({ health })
      for (const path of ["/health", "/health/ready"]) {
        const response = await service.get(path)
        expect(response.status).toBe(503)
        expect(await response.json()).toMatchObject({ status: health })
      }
      expect((await service.get("/health/live")).status).toBe(200)
    },
  )

  test("of a degraded service is 200: it accepts events, and none is lost", async () => {
    await using service = await HttpService.start({ health: "degraded" })
    const response = await service.get("/health/ready")
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ status: "degraded" })
  })

  test("at /health/live shows that the process answers", async () => {
    await using service = await HttpService.start()
    const response = await service.get("/health/live")
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: "alive" })
  })

  test("at /health/rabbitmq shows that RabbitMQ is not used", async () => {
    await using service = await HttpService.start()
    const response = await service.get("/health/rabbitmq")
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ status: "not-used", engine: "embedded" })
  })
})

test("the root describes the service and links to its documentation, relative to the path it is served at", async () => {
  await using service = await HttpService.start()
  const info = (await (await service.get("/")).json()) as { docs: string; health: string }
  expect(info).toMatchObject({ message: "Event Broker", version: VERSION, engine: "embedded" })
  for (const link of [info.docs, info.health]) {
    expect(new URL(link, "http://proxy/broker/").pathname).toStartWith("/broker/")
    expect((await service.get(new URL(link, service.url).pathname)).status).toBe(200)
  }
})

describe("the OpenAPI document", () => {
  interface Schema {
    readonly properties: Record<string, Schema>
    readonly required: readonly string[]
    readonly items: Schema
  }
  interface Operation {
    readonly summary: string
    readonly responses: Record<string, unknown>
    readonly requestBody: { readonly content: Record<string, { readonly schema: Schema }> }
  }
  interface Document {
    readonly openapi: string
    readonly paths: Record<string, Record<string, Operation>>
    readonly components: { readonly schemas: Record<string, Schema> }
  }
  const documentOf = async (service: HttpService) =>
    (await (await service.get("/openapi.json")).json()) as Document
  const DRAFT_FIELDS = [
    "id",
    "metadata",
    "name",
    "ordering_key",
    "payload",
    "priority",
    "routing_key",
    "type",
  ]

  test("lists every route, each with a summary and its responses, and no other", async () => {
    await using service = await HttpService.start()
    const { openapi, paths } = await documentOf(service)
    expect(openapi).toStartWith("3.1")
    const listed = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    )
    expect(listed.toSorted()).toEqual(ROUTES.map((route) => route.join(" ")).toSorted())
    for (const [method, path] of ROUTES) {
      expect(paths[path]?.[method]?.summary.length).toBeGreaterThan(0)
      expect(Object.keys(paths[path]?.[method]?.responses ?? {}).length).toBeGreaterThan(0)
    }
  })

  test("describes all fields of a published event", async () => {
    await using service = await HttpService.start()
    const { paths, components } = await documentOf(service)
    const draft = { $ref: "#/components/schemas/EventDraft" }
    const schema = components.schemas["EventDraft"]
    expect(Object.keys(schema?.properties ?? {}).toSorted()).toEqual(DRAFT_FIELDS)
    expect(schema?.required.toSorted()).toEqual(["name", "payload", "type"])
    const schemaOf = (path: string) => paths[path]?.["post"]?.requestBody.content["application/json"]?.schema
    expect(schemaOf("/api/v1/events")).toEqual(expect.objectContaining(draft))
    expect(schemaOf("/api/v1/events/batch")?.properties["events"]?.items).toEqual(
      expect.objectContaining(draft),
    )
  })

  test("lists the possible statuses of a publish", async () => {
    await using service = await HttpService.start()
    const { paths } = await documentOf(service)
    const statuses = (path: string) => Object.keys(paths[path]?.["post"]?.responses ?? {})
    expect(statuses("/api/v1/events")).toEqual([
      "201",
      "400",
      "401",
      "403",
      "408",
      "409",
      "413",
      "415",
      "421",
      "422",
      "429",
      "500",
      "503",
      "504",
    ])
    expect(statuses("/api/v1/events/batch")).toEqual([
      "200",
      "201",
      "207",
      "400",
      "401",
      "403",
      "408",
      "409",
      "413",
      "415",
      "421",
      "422",
      "429",
      "500",
      "503",
      "504",
    ])
  })
})

test.each(["/docs", "/redoc"])("%s names the API document to a browser without JavaScript", async (path) => {
  await using service = await HttpService.start()
  const page = await (await service.get(path)).text()
  const [, link] = /<noscript>[^<]*<a href="([^"]*)">/.exec(page) ?? []
  expect(new URL(link ?? "none", service.url + path).pathname).toBe("/openapi.json")
})

describe("an unknown route", () => {
  test.each(["/nothing", "/api/v1/events/", "/api/v2/events", "/health/else"])("is 404: %s", async (path) => {
    await using service = await HttpService.start()
    const problem = await problemOf(await service.get(path), "not-found", 404)
    expect(problem.retryable).toBe(false)
  })

  test.each([
    ["POST", "/api/v1/event", "POST /api/v1/events"],
    ["GET", "/api/v1/event", "GET /api/v1/events"],
    ["POST", "/v1/events", "POST /api/v1/events"],
    ["POST", "/events", "POST /api/v1/events"],
    ["POST", "/api/v2/events", "POST /api/v1/events"],
    ["POST", "/api/v1/events/", "POST /api/v1/events"],
    ["POST", "/API//v1/Events", "POST /api/v1/events"],
    ["POST", "/api/v1/publish", "POST /api/v1/events"],
    ["POST", "/publish", "POST /api/v1/events"],
    ["POST", "/api/v1/messages", "POST /api/v1/events"],
    ["GET", "/api/v1/dlq", "GET /api/v1/dead-letters"],
    ["GET", "/swagger", "GET /docs"],
    ["GET", "/docs/", "GET /docs"],
    ["GET", "/health/", "GET /health"],
    ["GET", "/api/v1/queues/", "GET /api/v1/queues"],
    ["POST", "/api/v1/queues/x/pauses", "POST /api/v1/events/queues/x/pause"],
    ["POST", "/api/v1/events/queues/x/purge", "POST /api/v1/queues/x/purge"],
    ["GET", "/api/v1/dead-letter", "GET /api/v1/dead-letters"],
    ["DELETE", "/api/v1/deadletters/voice_events", "DELETE /api/v1/dead-letters/voice_events"],
    ["GET", "/dead-letters/voice_events", "GET /api/v1/dead-letters/voice_events"],
    ["GET", "/api/v1/schema/voice/ended", "GET /api/v1/schemas/voice/ended"],
    ["POST", `/api/v1/queue/${"long_".repeat(20)}/purge`, `POST /api/v1/queues/${"long_".repeat(20)}/purge`],
    ["GET", "/healthz", "GET /health"],
    ["GET", "/api/v1/docs", "GET /docs"],
  ])("names the nearest route: %s %s", async (method, path, nearest) => {
    await using service = await HttpService.start()
    const response = await fetch(service.url + path, { method })
    const { detail } = await problemOf(response, "not-found", 404)
    expect(detail).toBe(
      `There is nothing at ${path}; did you mean ${nearest}? /docs and /openapi.json list all paths.`,
    )
  })

  test.each([
    "/nothing",
    "/api",
    "/api/v1/events/x",
    "/health/else",
    "/docs/else/x",
    `/api/v1/event${"s".repeat(1_000)}`,
  ])("names no route if none is near: %s", async (path) => {
    await using service = await HttpService.start()
    const { detail } = await problemOf(await service.get(path), "not-found", 404)
    expect(detail).not.toContain("did you mean")
  })

  const wrongMethods = [
    ["DELETE", "/api/v1/events", "POST"],
    ["PUT", "/api/v1/events", "GET"],
    ["PUT", "/api/v1/events/batch", "POST"],
    ["POST", "/api/v1/events/stats", "GET"],
    ["PUT", "/api/v1/dead-letters/user_events", "DELETE"],
    ["GET", "/api/v1/dead-letters/user_events/redrive", "POST"],
    ["PATCH", "/health", "GET"],
    ["POST", "/", "GET"],
    ["POST", "/openapi.json", "GET"],
  ] as const
  test.each(wrongMethods)("is 405 with Allow if its path exists: %s %s", async (method, path, allowed) => {
    await using service = await HttpService.start()
    const response = await fetch(service.url + path, { method })
    expect(response.headers.get("allow")?.split(", ")).toContain(allowed)
    const problem = await problemOf(response, "method-not-allowed", 405)
    expect(problem.retryable).toBe(false)
  })
})

describe("an unknown parameter", () => {
  const gets = ROUTES.filter(([method]) => method === "get").map(([, path]) =>
    path
      .replace("{queue}", "voice_events")
      .replace("{type}/{name}", "user/login")
      .replace("{asset}", "page.js"),
  )
  const isIgnored = (path: string) =>
    path === "/" || /^\/(health|metrics|docs|redoc|console|openapi)/.test(path)

  test.each(gets.filter((path) => !isIgnored(path)))("is rejected: GET %s", async (path) => {
    await using service = await HttpService.start()
    const problem = await problemOf(await service.get(`${path}?formt=x`), "validation-failed", 422)
    expect(problem.errors).toEqual([
      { parameter: "formt", message: expect.stringContaining("is unknown here") },
    ])
  })

  test.each(gets.filter(isIgnored))(
    "is accepted where probes and browsers may add one: GET %s",
    async (path) => {
      await using service = await HttpService.start()
      expect((await service.get(`${path}?probe=1&probe=2`)).status).toBe((await service.get(path)).status)
    },
  )
})
