import { describe, expect, test } from "bun:test"
import { HttpConnection } from "../support/http-connection.ts"
import { HttpService } from "../support/http-service.ts"
import { problemOf } from "../support/problem-of.ts"
import { statsOf } from "../support/queue-stats.ts"
import { RawConnection } from "../support/raw-connection.ts"
import { waitUntil } from "../support/wait-until.ts"

const PATH = "/api/v1/events"
const BATCH_PATH = "/api/v1/events/batch"
const JSON_TYPE = { "Content-Type": "application/json" }
const DRAFT = { type: "voice", name: "speech_recognized", payload: { text: "hello" } }

describe("a stored event", () => {
  test("is answered with 201 and all fields of the receipt", async () => {
    await using service = await HttpService.start()
    const before = Date.now() / 1_000
    const response = await service.post(PATH, { ...DRAFT, id: "call-1" })
    expect(response.status).toBe(201)
    expect(response.headers.get("content-type")).toContain("application/json")
    const receipt = (await response.json()) as { timestamp: number }
    expect<unknown>(receipt).toEqual({
      id: "call-1",
      type: "voice",
      name: "speech_recognized",
      routing_key: "events.voice.speech_recognized",
      status: "pending",
      timestamp: expect.any(Number),
      message: expect.any(String),
    })
    expect(receipt.timestamp).toBeGreaterThanOrEqual(before)
    expect(receipt.timestamp).toBeLessThanOrEqual(Date.now() / 1_000)
    expect((await statsOf(service.engine, "voice_events")).messageCount).toBe(1)
  })

  test("gets an id if it has none, and keeps its own routing key", async () => {
    await using service = await HttpService.start()
    const response = await service.post(PATH, { ...DRAFT, routing_key: "events.user.elsewhere" })
    expect(response.status).toBe(201)
    expect(await response.json()).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      routing_key: "events.user.elsewhere",
    })
    expect((await statsOf(service.engine, "user_events")).messageCount).toBe(1)
  })

  test.each([
    "Application/JSON; charset=utf-8",
    'application/json;charset="UTF-8"; x=1',
    "application/json; charset=US-ASCII",
    'application/json; x="; charset=latin1"',
  ])("may have a charset in its content type: %s", async (contentType) => {
    await using service = await HttpService.start()
    const headers = { "Content-Type": contentType }
    expect((await service.postRaw(PATH, JSON.stringify(DRAFT), headers)).status).toBe(201)
  })
})

describe("a body in another charset than UTF-8 is rejected", () => {
  const ATTRIBUTES = { "ce-specversion": "1.0", "ce-id": "x", "ce-source": "/x", "ce-type": "voice.ended" }
  test.each([
    [PATH, "application/json; charset=iso-8859-1", {}],
    [PATH, 'application/json; x="a;b"; Charset="UTF-16"', {}],
    [PATH, "application/cloudevents+json; charset=latin1", {}],
    [PATH, "application/json; charset=latin1", ATTRIBUTES],
    [BATCH_PATH, "application/json; charset=latin1", {}],
    [BATCH_PATH, "application/cloudevents-batch+json; charset=latin1", {}],
    [BATCH_PATH, "application/x-ndjson; charset=latin1", {}],
    ["/api/v1/schemas/voice/ended/validate", "application/json; charset=latin1", {}],
    ["/api/v1/dead-letters/voice_events/redrive", "application/json; charset=latin1", {}],
  ])("at %s, for %s", async (path, contentType, headers) => {
    await using service = await HttpService.start()
    const response = await service.postRaw(path, "{}", { ...headers, "Content-Type": contentType })
    const { detail } = await problemOf(response, "unsupported-media-type", 415)
    expect(detail).toMatch(
      /^The charset (iso-8859-1|UTF-16|latin1) is not supported. Send the body in UTF-8.$/,
    )
  })
})

describe("a body that is not JSON is rejected", () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000)
  const cases: readonly (readonly [string, string | Uint8Array])[] = [
    ["with a syntax error", '{"type": "voice",'],
    ["that is empty", ""],
    ["that is not UTF-8", new Uint8Array([0x22, 0xff, 0xfe, 0x22])],
    ["that nests 100,000 deep", deep],
    ["with a number beyond the range of a double", '{"type":"voice","name":"x","payload":{"a":[1,-1e999]}}'],
    ["with an integer of 400 digits", `{"type":"voice","name":"x","payload":{"a":${"9".repeat(400)}}}`],
    ["whose payload nests 100,000 deep", `{"type":"voice","name":"x","payload":{"a":${deep}}}`],
  ]
  test.each(cases)("one %s", async (_, body) => {
    await using service = await HttpService.start()
    const problem = await problemOf(await service.postRaw(PATH, body, JSON_TYPE), "malformed-json", 400)
    expect(problem).toMatchObject({ retryable: false, outcome: "not-stored" })
  })
})

test("the problem of a body that is not JSON names the place of the fault, if the body is small", async () => {
  await using service = await HttpService.start()
  const detailOf = async (body: string, path = PATH) =>
    (await problemOf(await service.postRaw(path, body, JSON_TYPE), "malformed-json", 400)).detail
  expect(await detailOf('{\n  "type": "voice",\n}')).toBe(
    "The body is not JSON: line 3, column 1: expected a name in double quotes.",
  )
  expect(await detailOf(`["${"x".repeat(100_000)}"`)).toBe("The body is not JSON.")
  expect(await detailOf('{"events": [{"type": voice}]}', BATCH_PATH)).toStartWith(
    "Event 0 is not JSON: column 10: expected a JSON value",
  )
  expect(await detailOf('{"events": }', BATCH_PATH)).toBe(
    'The body is not JSON: "}" is not expected at byte 12.',
  )
})

describe("a batch that is sent as one event, and one event that is sent as a batch,", () => {
  const one = 'must be one event; send a batch, {"events":[…]}, to /api/v1/events/batch'
  test.each([
    [PATH, { events: [DRAFT] }, "", one],
    [PATH, [DRAFT], "", one],
    [BATCH_PATH, [DRAFT], "", 'must be an object with an array of events: {"events":[…]}'],
    [BATCH_PATH, DRAFT, "/type", "is a field of an event, not of a batch; send one event to /api/v1/events"],
    [
      BATCH_PATH,
      { payload: {}, type: "voice" },
      "/payload",
      "is a field of an event, not of a batch; send one event to /api/v1/events",
    ],
    [
      BATCH_PATH,
      { event: [DRAFT] },
      "/event",
      'is not a field of a batch, which has only "events"; did you mean events?',
    ],
  ])("to %s is rejected with the right place: %j", async (path, body, pointer, message) => {
    await using service = await HttpService.start()
    const problem = await problemOf(await service.post(path, body), "validation-failed", 422)
    expect(problem).toMatchObject({ errors: [{ pointer, message }] })
  })

  test.each([PATH, BATCH_PATH])(
    "a parameter of the query of %s is refused: nothing reads it",
    async (path) => {
      await using service = await HttpService.start()
      const response = await service.post(`${path}?dry_run=true`, { ...DRAFT, events: [DRAFT] })
      const problem = await problemOf(response, "validation-failed", 422)
      expect(problem.errors).toEqual([{ parameter: "dry_run", message: "is unknown here" }])
    },
  )

  test.each(["application/x-ndjson", "application/cloudevents-batch+json"])("as %s, too", async (type) => {
    await using service = await HttpService.start()
    const response = await service.postRaw(PATH, JSON.stringify(DRAFT), { "Content-Type": type })
    const problem = await problemOf(response, "unsupported-media-type", 415)
    expect(problem.detail).toEndWith("Send batches to /api/v1/events/batch.")
  })
})

test("a text with many digits or an exponent is not a number, and is kept", async () => {
  await using service = await HttpService.start()
  const draft = { ...DRAFT, payload: { serial: "7".repeat(400), code: "1e999", small: 1e-200 } }
  expect((await service.post(PATH, draft)).status).toBe(201)
})

test.each(["identity", "Identity", "IDENTITY", "identity, identity", " , Identity ,, ", ""])(
  "a body with the Content-Encoding %j is accepted",
  async (encoding) => {
    await using service = await HttpService.start()
    using connection = new HttpConnection(service.port)
    const body = JSON.stringify(DRAFT)
    const answer = await connection.ask(
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Encoding: ${encoding}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    expect(answer?.status).toBe(201)
  },
)

describe("a chunked body", () => {
  const send = async (service: HttpService, end: string) => {
    using connection = new HttpConnection(service.port)
    const body = JSON.stringify(DRAFT)
    const chunk = `${body.length.toString(16)};extension=1\r\n${body}\r\n`
    const answer = await connection.ask(
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${end}`,
    )
    const stats = await service.engine.queueStats()
    const stored = stats.reduce((sum, { messageCount }) => sum + messageCount, 0)
    return { status: answer?.status, stored }
  }

  test("is accepted", async () => {
    await using service = await HttpService.start()
    expect(await send(service, "0\r\n\r\n")).toEqual({ status: 201, stored: 1 })
  })

  test("followed by trailers, which Bun rejects, is not stored", async () => {
    await using service = await HttpService.start()
    expect(await send(service, "0\r\nX-Checksum: 1\r\n\r\n")).toEqual({ status: 400, stored: 0 })
    // Anything stored late would be visible by then, because the next publish is answered after it.
    expect(await send(service, "0\r\n\r\n")).toEqual({ status: 201, stored: 1 })
  })
})

describe("a body that is too large is rejected", () => {
  test("by its Content-Length, before any of it is sent", async () => {
    await using service = await HttpService.start({ maxBodyBytes: 1_024 })
    using connection = new RawConnection(service.port)
    connection.send(
      `POST ${PATH} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 1025\r\n\r\n`,
    )
    const head = await connection.head()
    expect(head).toStartWith("HTTP/1.1 413")
    expect(head.toLowerCase()).toContain("connection: close")
  })

  test("while it arrives in endless chunks", async () => {
    await using service = await HttpService.start({ maxBodyBytes: 1_024 })
    using connection = new RawConnection(service.port)
    connection.send(
      `POST ${PATH} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    await waitUntil(() => {
      if (!connection.hasAnswer) connection.send(`400\r\n${"1".repeat(1_024)}\r\n`)
      return connection.hasAnswer
    }, "an answer to a body without end")
    const head = await connection.head()
    expect(head).toStartWith("HTTP/1.1 413")
    expect(head.toLowerCase()).toContain("connection: close")
  })

  test("with a problem document that says that nothing was stored", async () => {
    await using service = await HttpService.start({ maxBodyBytes: 1_024 })
    const body = { ...DRAFT, payload: { text: "x".repeat(1_024) } }
    const problem = await problemOf(await service.post(PATH, body), "payload-too-large", 413)
    expect(problem).toMatchObject({ retryable: false, outcome: "not-stored" })
    expect((await service.post(PATH, DRAFT)).status).toBe(201)
  })

  test("and one of exactly the limit is accepted", async () => {
    await using service = await HttpService.start({ maxBodyBytes: 1_024 })
    const empty = JSON.stringify({ ...DRAFT, payload: { text: "" } })
    const body = JSON.stringify({ ...DRAFT, payload: { text: "x".repeat(1_024 - empty.length) } })
    expect((await service.postRaw(PATH, body, JSON_TYPE)).status).toBe(201)
    expect((await service.postRaw(PATH, `${body} `, JSON_TYPE)).status).toBe(413)
  })
})

describe("a body that is not declared as JSON is rejected", () => {
  const cases: readonly (readonly [string, Record<string, string>])[] = [
    ["without a content type", {}],
    ["as text", { "Content-Type": "text/plain" }],
    ["compressed", { ...JSON_TYPE, "Content-Encoding": "gzip" }],
    ["with compression among its codings", { ...JSON_TYPE, "Content-Encoding": "identity, br" }],
  ]
  test.each(cases)("%s", async (_, headers) => {
    await using service = await HttpService.start()
    const body = new TextEncoder().encode(JSON.stringify(DRAFT))
    const problem = await problemOf(await service.postRaw(PATH, body, headers), "unsupported-media-type", 415)
    expect(problem).toMatchObject({ retryable: false, outcome: "not-stored" })
  })
})

test("every fault of an event is reported with a pointer", async () => {
  await using service = await HttpService.start()
  const draft = { type: "video", name: "a b", payload: [], priority: 7, "wr/o~ng": true }
  const problem = await problemOf(await service.post(PATH, draft), "validation-failed", 422)
  expect(problem).toMatchObject({ retryable: false, outcome: "not-stored" })
  expect((problem.errors ?? []).map(({ pointer }) => pointer).toSorted()).toEqual([
    "/name",
    "/payload",
    "/priority",
    "/type",
    "/wr~1o~0ng",
  ])
})

test("an event without its required fields is rejected with one fault for each", async () => {
  await using service = await HttpService.start()
  const problem = await problemOf(await service.post(PATH, {}), "validation-failed", 422)
  expect((problem.errors ?? []).map(({ pointer }) => pointer)).toEqual(["/type", "/name", "/payload"])
})

test("an unroutable event is rejected and nothing is stored", async () => {
  await using service = await HttpService.start()
  const response = await service.post(PATH, { ...DRAFT, routing_key: "nowhere" })
  const problem = await problemOf(response, "unroutable", 422)
  expect(problem).toMatchObject({ retryable: false, outcome: "not-stored" })
  const stats = await service.engine.queueStats()
  expect(stats.every(({ messageCount }) => messageCount === 0)).toBe(true)
})

test.each([
  [
    { name: "voice.ended", routing_key: "nowhere" },
    '"nowhere"; the name repeats the type: did you mean the name ended?',
  ],
  [
    { name: "events.voice.ended", routing_key: "nowhere" },
    '"nowhere"; the name repeats the type: did you mean the name ended?',
  ],
  [{ name: "ended", routing_key: "voice.ended" }, '"voice.ended"; did you mean events.voice.ended?'],
  [{ name: "user.ended", routing_key: "nowhere" }, '"nowhere".'],
  [{ name: "ended", routing_key: "voice." }, '"voice.".'],
])("the detail of an unroutable event says what was probably meant: %j", async (names, end) => {
  await using service = await HttpService.start()
  const refused = await service.post(PATH, { ...DRAFT, ...names })
  const { detail } = await problemOf(refused, "unroutable", 422)
  expect(detail).toBe(`no queue is bound for the routing key ${end}`)
})

test("a full queue rejects an event, says when to retry, and stores nothing", async () => {
  await using service = await HttpService.start({ limits: { maxLength: 1 } })
  expect((await service.post(PATH, DRAFT)).status).toBe(201)
  const response = await service.post(PATH, DRAFT)
  const problem = await problemOf(response, "queue-full", 503)
  expect(problem).toMatchObject({ retryable: true, outcome: "not-stored" })
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0)
  expect((await statsOf(service.engine, "voice_events")).messageCount).toBe(1)
})

describe("a request's id", () => {
  test("is the client's, in the header and in a problem's instance", async () => {
    await using service = await HttpService.start()
    const response = await service.post(PATH, {}, { "X-Request-Id": "my-request:1.0" })
    expect(response.headers.get("x-request-id")).toBe("my-request:1.0")
    const problem = await problemOf(response, "validation-failed", 422)
    expect(problem.instance).toBe("my-request:1.0")
    const stored = await service.post(PATH, DRAFT, { "X-Request-Id": "my-request-2" })
    expect(stored.headers.get("x-request-id")).toBe("my-request-2")
  })

  test.each(["with spaces", "x".repeat(129), '{"json":1}'])(
    "that is invalid is replaced: %s",
    async (given) => {
      await using service = await HttpService.start()
      const response = await service.post(PATH, {}, { "X-Request-Id": given })
      const problem = await problemOf(response, "validation-failed", 422)
      expect(problem.instance).toMatch(/^[0-9a-f-]{36}$/)
    },
  )
})
