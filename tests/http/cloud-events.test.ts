import { describe, expect, test } from "bun:test"
import { CloudEvent, HTTP } from "cloudevents"
import { HttpService } from "../support/http-service.ts"
import { Inbox } from "../support/inbox.ts"
import { problemOf } from "../support/problem-of.ts"

const PATH = "/api/v1/events"

const cloudEvent = (more: object = {}) =>
  new CloudEvent({
    id: "ce-1",
    source: "/calls",
    type: "voice.call.ended",
    subject: "call 7",
    time: "2026-11-24T10:00:00.000Z",
    partitionkey: "call-7",
    tenant: "größer 50%",
    data: { seconds: 12 },
    ...more,
  })

/** Sends an event as the official SDK encodes it. */
function send(
  service: HttpService,
  { headers, body }: { headers: object; body: unknown },
): Promise<Response> {
  return service.postRaw(PATH, String(body), { ...headers } as Record<string, string>)
}

async function storedEvent(service: HttpService): Promise<Record<string, unknown>> {
  return JSON.parse((await new Inbox(service.engine, "voice_events").next()).body)
}

const STRUCTURED_EVENT = { specversion: "1.0", id: "x", source: "/x", type: "voice.ended", data: {} }

const STRUCTURED = { "Content-Type": "application/cloudevents+json" }

const BINARY_ATTRIBUTES = {
  "ce-specversion": "1.0",
  "ce-id": "x",
  "ce-source": "/x",
  "ce-type": "voice.ended",
}

const BINARY = { ...BINARY_ATTRIBUTES, "Content-Type": "application/json" }

const STORED = {
  id: "ce-1",
  type: "voice",
  name: "call.ended",
  ordering_key: "call-7",
  payload: { seconds: 12 },
  metadata: {
    source: "/calls",
    subject: "call 7",
    time: "2026-11-24T10:00:00.000Z",
    tenant: "größer 50%",
  },
}

describe("a CloudEvent of the official SDK is published", () => {
  test("in structured mode", async () => {
    await using service = await HttpService.start()
    const response = await send(service, HTTP.structured(cloudEvent()))
    expect(await response.json()).toMatchObject({ id: "ce-1", routing_key: "events.voice.call.ended" })
    expect(response.status).toBe(201)
    expect(await storedEvent(service)).toMatchObject(STORED)
  })

  test("in binary mode", async () => {
    await using service = await HttpService.start()
    // The SDK leaves the percent-encoding of the HTTP binding, section 3.1.3.2, to its user.
    const { headers, body } = HTTP.binary(cloudEvent())
    const encoded = Object.entries(headers).map(([name, value]) => [
      name,
      name.startsWith("ce-") ? encodeURIComponent(String(value)) : value,
    ])
    const response = await send(service, { headers: Object.fromEntries(encoded), body })
    expect(response.status).toBe(201)
    expect(await storedEvent(service)).toMatchObject(STORED)
  })

  test("in a batch, each on its own", async () => {
    await using service = await HttpService.start()
    const events = [cloudEvent(), { ...cloudEvent({ id: "ce-2" }), specversion: "0.3" }]
    const headers = { "Content-Type": "application/cloudevents-batch+json; charset=utf-8" }
    const response = await service.postRaw(`${PATH}/batch`, JSON.stringify(events), headers)
    expect(response.status).toBe(207)
    expect(await response.json()).toMatchObject({
      count: 1,
      failed: 1,
      events: [
        { id: "ce-1" },
        { index: 1, problem: { errors: [{ pointer: "/specversion", message: 'must be "1.0"' }] } },
      ],
    })
  })
})

test("its traceparent is the event's, unless the request has one", async () => {
  await using service = await HttpService.start()
  const own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
  const ofRequest = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
  const { headers, body } = HTTP.structured(cloudEvent({ traceparent: own }))
  await send(service, { headers, body })
  const other = HTTP.structured(cloudEvent({ id: "ce-2", traceparent: own }))
  await send(service, { headers: { ...other.headers, traceparent: ofRequest }, body: other.body })
  const deliveries = await new Inbox(service.engine, "voice_events").take(2)
  expect(deliveries.map(({ trace }) => trace?.traceparent)).toEqual([own, ofRequest])
  expect(deliveries.map(({ body }) => JSON.parse(body).metadata.traceparent)).toEqual([own, own])
})

describe("an invalid CloudEvent is rejected in its own terms", () => {
  test("with every fault, including those of the payload's schema", async () => {
    await using service = await HttpService.start({
      schemas: [{ path: "voice/call.ended.json", schema: { properties: { seconds: { type: "integer" } } } }],
    })
    const { headers } = HTTP.structured(cloudEvent())
    const wrong = { ...cloudEvent(), partitionkey: "", data: [] }
    const refused = await send(service, { headers, body: JSON.stringify(wrong) })
    const problem = await problemOf(refused, "validation-failed", 422)
    expect(problem.outcome).toBe("not-stored")
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(["/data", "/partitionkey"])
    const unfit = await send(service, {
      headers,
      body: JSON.stringify({ ...cloudEvent(), data: { seconds: "x" } }),
    })
    expect((await problemOf(unfit, "validation-failed", 422)).errors?.[0]?.pointer).toBe("/data/seconds")
  })

  test("in binary mode, for missing or unencoded attributes and data that is not JSON", async () => {
    await using service = await HttpService.start()
    const json = { "Content-Type": "application/json" }
    const missing = await service.postRaw(PATH, "{}", { ...json, "ce-specversion": "1.0", "ce-id": "x" })
    expect(
      (await problemOf(missing, "validation-failed", 422)).errors?.map(({ pointer }) => pointer),
    ).toEqual(["/source", "/type"])
    const attributes = { "ce-specversion": "1.0", "ce-id": "x", "ce-source": "/x", "ce-type": "user.login" }
    const encoded = await service.postRaw(PATH, "{}", { ...json, ...attributes, "ce-subject": "100%" })
    expect((await problemOf(encoded, "validation-failed", 422)).errors?.[0]?.pointer).toBe("/subject")
    const text = await service.postRaw(PATH, "hello", { ...attributes, "Content-Type": "text/plain" })
    await problemOf(text, "unsupported-media-type", 415)
  })
})

test("a fault of an attribute that has the name of a field of an event is reported at the attribute", async () => {
  await using service = await HttpService.start()
  const wrong = { ...STRUCTURED_EVENT, payload: { seconds: 12 }, name: [], metadata: {} }
  const structured = await service.postRaw(PATH, JSON.stringify(wrong), STRUCTURED)
  const { errors } = await problemOf(structured, "validation-failed", 422)
  expect(errors?.map(({ pointer }) => pointer)).toEqual(["/payload", "/name", "/metadata"])
  const binary = await service.postRaw(PATH, "[]", { ...BINARY, "ce-payload": "100%" })
  expect((await problemOf(binary, "validation-failed", 422)).errors?.[0]?.pointer).toBe("/payload")
})

test.each([
  ["ce-data", '{"seconds":1}', "is the body; remove the header ce-data"],
  ["ce-datacontenttype", "text/plain", "is the header Content-Type; remove the header ce-datacontenttype"],
  ["ce-subject", "größer", "is not percent-encoded in the header ce-subject"],
] as const)("in binary mode, %s: %s is rejected", async (header, value, message) => {
  await using service = await HttpService.start()
  const response = await service.postRaw(PATH, "{}", { ...BINARY, [header]: value })
  const { errors } = await problemOf(response, "validation-failed", 422)
  expect(errors).toEqual([{ pointer: `/${header.slice("ce-".length)}`, message }])
})

test.each([
  [{ "ce-type": "voice.ended" }, ["specversion", "id", "source"]],
  [{ "ce-time": "2026-11-24T10:00:00Z" }, ["specversion", "id", "source", "type"]],
  [{ ...BINARY_ATTRIBUTES, "ce-specversion": undefined }, ["specversion"]],
] as const)(
  "headers with attributes, but not all that are required, are rejected: %j",
  async (given, missing) => {
    await using service = await HttpService.start()
    const headers = Object.entries({ ...given, "Content-Type": "application/json" }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    )
    const draft = { type: "voice", name: "ended", payload: {} }
    const response = await service.postRaw(PATH, JSON.stringify(draft), Object.fromEntries(headers))
    expect((await problemOf(response, "validation-failed", 422)).errors).toEqual(
      missing.map((name) => ({ pointer: `/${name}`, message: `is required, as the header ce-${name}` })),
    )
  },
)

test("in binary mode every attribute is kept, quoted or encoded, and so is a content type that says more than JSON", async () => {
  await using service = await HttpService.start()
  const response = await service.postRaw(PATH, "{}", {
    "Content-Type": "application/json; charset=utf-8",
    "ce-specversion": "1.0",
    "ce-id": "x",
    "ce-source": "/x",
    "ce-type": "voice.started",
    "ce-subject": '"a \\"b\\" 50%25"',
    "ce-tenant": 'no "quotes" around',
    "ce-constructor": "an extension like any other",
    "ce-dataschema": "/schemas/1",
    "X-Other": "no attribute",
  })
  expect(response.status).toBe(201)
  expect((await storedEvent(service))["metadata"]).toEqual({
    source: "/x",
    subject: 'a "b" 50%',
    tenant: 'no "quotes" around',
    constructor: "an extension like any other",
    dataschema: "/schemas/1",
    datacontenttype: "application/json; charset=utf-8",
  })
})

test("without data, and so without a body, it has an empty payload", async () => {
  await using service = await HttpService.start()
  const attributes = { "ce-specversion": "1.0", "ce-id": "x", "ce-source": "/x", "ce-type": "voice.started" }
  const response = await fetch(service.url + PATH, { method: "POST", headers: attributes })
  expect(response.status).toBe(201)
  expect(await storedEvent(service)).toMatchObject({ payload: {}, metadata: { source: "/x" } })
})
