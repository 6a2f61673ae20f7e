import { expect, test } from "bun:test"
import fc from "fast-check"
import { HttpService } from "../support/http-service.ts"

const RUNS = 500
const TIMEOUT_MS = 120_000

const PUBLISH = "/api/v1/events"
const BATCH = "/api/v1/events/batch"
const VALID = { type: "voice", name: "speech_recognized", payload: { text: "hello" } }
const JSON_TYPE = { "Content-Type": "application/json" }

const FIELDS = ["id", "type", "name", "routing_key", "payload", "priority", "metadata", "__proto__", "extra"]

const CLOUD_EVENT = { specversion: "1.0", id: "e-1", source: "/calls", type: "voice.ended", data: { s: 1 } }

const ATTRIBUTES = [
  ...Object.keys(CLOUD_EVENT),
  "subject",
  "time",
  "datacontenttype",
  "data_base64",
  "partitionkey",
  "priority",
  "routingkey",
  "schemaversion",
  "traceparent",
  "eventbrokermetadata",
  "__proto__",
]

const publishPath = fc.constantFrom(PUBLISH, BATCH)

/** A valid event in which some fields are missing or hold anything. */
const mutatedDraft = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...FIELDS), fc.oneof(fc.jsonValue(), fc.string({ unit: "binary" }))),
    fc.subarray(["type", "name", "payload"]),
  )
  .map(([changed, kept]) => ({
    ...Object.fromEntries(Object.entries(VALID).filter(([field]) => kept.includes(field))),
    ...changed,
  }))

/** Sends a request, and checks what every response guarantees. */
async function expectNoFault(url: string, init: RequestInit): Promise<void> {
  const response = await fetch(url, init)
  const body = await response.text()
  expect(response.status, `${url} answered ${body}`).toBeLessThan(500)
  expect(response.headers.has("x-request-id")).toBe(true)
  if (response.status === 204) return
  expect(() => JSON.parse(body)).not.toThrow()
  expect(response.headers.get("content-type")).toMatch(/^application\/(problem\+)?json/)
}

/** Runs the property against one server, which has to accept a valid event afterwards. */
async function againstOneServer<Input>(
  input: fc.Arbitrary<Input>,
  send: (url: string, input: Input) => Promise<void>,
): Promise<void> {
  await using service = await HttpService.start()
  await fc.assert(
    fc.asyncProperty(input, (value) => send(service.url, value)),
    { numRuns: RUNS },
  )
  expect((await service.post(PUBLISH, VALID)).status).toBe(201)
}

test(
  "no JSON value as a body causes a 5xx",
  () =>
    againstOneServer(fc.tuple(publishPath, fc.jsonValue()), (url, [path, value]) =>
      expectNoFault(url + path, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(value) }),
    ),
  TIMEOUT_MS,
)

test(
  "no text and no bytes as a body cause a 5xx",
  () => {
    const body = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
    )
    return againstOneServer(fc.tuple(publishPath, body), (url, [path, sent]) =>
      expectNoFault(url + path, { method: "POST", headers: JSON_TYPE, body: sent }),
    )
  },
  TIMEOUT_MS,
)

test(
  "no nearly valid event causes a 5xx",
  () =>
    againstOneServer(mutatedDraft, (url, draft) =>
      expectNoFault(url + PUBLISH, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(draft) }),
    ),
  TIMEOUT_MS,
)

test(
  "no batch of nearly valid events causes a 5xx",
  () =>
    againstOneServer(fc.array(mutatedDraft, { maxLength: 5 }), (url, events) =>
      expectNoFault(url + BATCH, { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ events }) }),
    ),
  TIMEOUT_MS,
)

/** A valid CloudEvent in which some attributes are missing or hold anything. */
const mutatedCloudEvent = fc
  .tuple(
    fc.dictionary(
      fc.oneof(fc.constantFrom(...ATTRIBUTES), fc.string()),
      fc.oneof(fc.jsonValue(), fc.string({ unit: "binary" })),
    ),
    fc.subarray(["specversion", "id", "source", "type", "data"]),
  )
  .map(([changed, kept]) => ({
    ...Object.fromEntries(Object.entries(CLOUD_EVENT).filter(([name]) => kept.includes(name))),
    ...changed,
  }))

test(
  "no nearly valid CloudEvent causes a 5xx",
  () =>
    againstOneServer(mutatedCloudEvent, async (url, event) => {
      const headers = { "Content-Type": "application/cloudevents+json" }
      await expectNoFault(url + PUBLISH, { method: "POST", headers, body: JSON.stringify(event) })
      const batch = { "Content-Type": "application/cloudevents-batch+json" }
      await expectNoFault(url + BATCH, { method: "POST", headers: batch, body: JSON.stringify([event]) })
    }),
  TIMEOUT_MS,
)

test(
  "no attributes in headers cause a 5xx",
  () => {
    const value = fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,40}[\x21-\x7e])?$/)
    const names = ATTRIBUTES.filter((name) => /^[a-z0-9]+$/.test(name)).map((name) => `ce-${name}`)
    return againstOneServer(fc.dictionary(fc.constantFrom(...names, "ce-odd_one"), value), (url, headers) =>
      expectNoFault(url + PUBLISH, { method: "POST", headers: { ...JSON_TYPE, ...headers }, body: "{}" }),
    )
  },
  TIMEOUT_MS,
)

test(
  "no lines cause a 5xx, and each non-blank line is answered",
  () => {
    const line = fc.oneof(
      mutatedDraft.map((draft) => JSON.stringify(draft)),
      fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\r\n]/g, "")),
    )
    return againstOneServer(fc.array(line, { maxLength: 20 }), async (url, lines) => {
      const headers = { "Content-Type": "application/x-ndjson" }
      const response = await fetch(url + BATCH, { method: "POST", headers, body: lines.join("\n") })
      const answers = (await response.text()).split("\n").filter((answer) => answer !== "")
      expect(answers).toHaveLength(lines.filter((each) => each !== "").length)
      for (const answer of answers) expect(JSON.parse(answer).problem?.status ?? 0).toBeLessThan(500)
    })
  },
  TIMEOUT_MS,
)

test(
  "no path and no header causes a 5xx",
  () => {
    const path = fc.oneof(
      fc.webPath(),
      fc.string({ unit: "binary" }).map((text) => `/${encodeURIComponent(text.toWellFormed())}`),
      fc.string().map((text) => `${PUBLISH}/${encodeURI(text)}`),
      fc.constantFrom("/%", "/%ff%fe", "/api/v1/events/%2e%2e", "//", "/api//v1/events", "/openapi.json?%"),
    )
    const method = fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    const headerValue = fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,40}[\x21-\x7e])?$/)
    const headers = fc.dictionary(
      fc.constantFrom("Content-Type", "X-Request-Id", "Accept", "Cookie", "Content-Encoding", "X-Odd"),
      headerValue,
    )
    return againstOneServer(fc.tuple(path, method, headers), (url, [odd, asked, given]) =>
      expectNoFault(url + odd, {
        method: asked,
        headers: given,
        ...(asked !== "GET" && { body: JSON.stringify(VALID) }),
      }),
    )
  },
  TIMEOUT_MS,
)
