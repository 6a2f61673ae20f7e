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

const publishPath = fc.constantFrom(PUBLISH, BATCH)

/** A valid event, some of whose fields hold anything, or are missing. */
const mutatedDraft = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...FIELDS), fc.oneof(fc.jsonValue(), fc.string({ unit: "binary" }))),
    fc.subarray(["type", "name", "payload"]),
  )
  .map(([changed, kept]) => ({
    ...Object.fromEntries(Object.entries(VALID).filter(([field]) => kept.includes(field))),
    ...changed,
  }))

/** Sends it, and checks what holds for every answer. */
async function expectNoFault(url: string, init: RequestInit): Promise<void> {
  const response = await fetch(url, init)
  const body = await response.text()
  expect(response.status, `${url} answered ${body}`).toBeLessThan(500)
  expect(() => JSON.parse(body)).not.toThrow()
  expect(response.headers.get("content-type")).toMatch(/^application\/(problem\+)?json/)
  expect(response.headers.has("x-request-id")).toBe(true)
}

/** Runs the property against one server, which has to take a valid event afterwards. */
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
  "no JSON value as a body is the service's fault",
  () =>
    againstOneServer(fc.tuple(publishPath, fc.jsonValue()), (url, [path, value]) =>
      expectNoFault(url + path, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(value) }),
    ),
  TIMEOUT_MS,
)

test(
  "no text and no bytes as a body are the service's fault",
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
  "no event that is nearly valid is the service's fault",
  () =>
    againstOneServer(mutatedDraft, (url, draft) =>
      expectNoFault(url + PUBLISH, { method: "POST", headers: JSON_TYPE, body: JSON.stringify(draft) }),
    ),
  TIMEOUT_MS,
)

test(
  "no batch of events that are nearly valid is the service's fault",
  () =>
    againstOneServer(fc.array(mutatedDraft, { maxLength: 5 }), (url, events) =>
      expectNoFault(url + BATCH, { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ events }) }),
    ),
  TIMEOUT_MS,
)

test(
  "no path and no header is the service's fault",
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
