import { describe, expect, test } from "bun:test"
import { HttpService } from "../support/http-service.ts"
import { problemOf } from "../support/problem-of.ts"
import { statsOf } from "../support/queue-stats.ts"

const EVENTS = "/api/v1/events"
const BATCH = `${EVENTS}/batch`
const EVENT = { type: "user", name: "seen", payload: {} }
const JSON_TYPE = { "Content-Type": "application/json" }
const CLOUD_EVENTS = { "Content-Type": "application/cloudevents-batch+json" }
const MEBIBYTE = 1_048_576

/** Upper bounds of the responses to single requests and to batches, whatever is sent. */
const MAX_ANSWER = 65_536
const MAX_BATCH_ANSWER = 3 * MEBIBYTE

/** Returns a CloudEvent with this many attributes, whose names are invalid and of this length. */
const faulty = (count: number, length: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${"X".repeat(length)}${i}`, i]))

interface BatchResult {
  readonly count: number
  readonly failed: number
  readonly events: readonly {
    readonly index: number
    readonly problem: { readonly detail: string; readonly errors: readonly unknown[] }
  }[]
}

describe("the response to a batch of faulty events is small", () => {
  test.each([
    ["many faults each", 1_000, 600, 10],
    ["long names", 1_000, 120, 100],
    ["few events with very many faults", 16, 9_900, 90],
  ])("%s", async (_, count, attributes, length) => {
    await using service = await HttpService.start()
    const body = JSON.stringify(Array(count).fill(faulty(attributes, length)))
    const response = await service.postRaw(BATCH, body, CLOUD_EVENTS)
    expect(response.status).toBe(422)
    const text = await response.text()
    expect(text.length).toBeLessThan(MAX_BATCH_ANSWER)
    const result: BatchResult = JSON.parse(text)
    expect(result).toMatchObject({ count: 0, failed: count })
    expect(result.events.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, i) => i))
    for (const { problem } of result.events) expect(problem.errors.length).toBeGreaterThan(0)
    const [first] = result.events
    // The four required attributes of a CloudEvent are missing.
    expect(first?.problem.detail).toContain(`has ${attributes + 4} faults`)
    expect(first?.problem.detail).toMatch(/and omits \d+/)
  })
})

describe("the response to a single request is small", () => {
  const long = "x".repeat(500_000)
  const wrong = JSON.stringify(faulty(9_000, 50))
  const query = Array.from({ length: 1_500 }, (_, i) => `a${i}=`).join("&")
  const cases: readonly (readonly [string, string, RequestInit])[] = [
    ["unknown fields", EVENTS, { body: wrong, headers: JSON_TYPE }],
    ["attributes", EVENTS, { body: wrong, headers: { "Content-Type": "application/cloudevents+json" } }],
    ["a word that is not JSON", EVENTS, { body: long, headers: JSON_TYPE }],
    ["a word in a batch", BATCH, { body: `{"events":[${long}]}`, headers: JSON_TYPE }],
    ["a field of a batch", BATCH, { body: `{"${long}":1}`, headers: JSON_TYPE }],
    [
      "a name",
      EVENTS,
      { body: JSON.stringify({ ...EVENT, name: long, routing_key: long }), headers: JSON_TYPE },
    ],
    ["a media type", EVENTS, { body: "{}", headers: { "Content-Type": "x".repeat(10_000) } }],
    ["a path", `/${"x".repeat(10_000)}`, {}],
    ["a query", `/api/v1/dead-letters/user_events?${query}`, { method: "DELETE" }],
    [
      "ids",
      "/api/v1/dead-letters/user_events/redrive",
      { body: `{"ids":[${"1,".repeat(100_000)}1]}`, headers: JSON_TYPE },
    ],
    ["fields of a redrive", "/api/v1/dead-letters/user_events/redrive", { body: wrong, headers: JSON_TYPE }],
  ]
  test.each(cases)("for invalid input that could be quoted: %s", async (_, path, init) => {
    await using service = await HttpService.start()
    const response = await fetch(service.url + path, { method: "POST", ...init })
    expect(response.status).toBeWithin(400, 500)
    const text = await response.text()
    expect(text.length).toBeLessThan(MAX_ANSWER)
    expect(JSON.parse(text).detail.length).toBeGreaterThan(0)
  })
})

describe("a large batch", () => {
  test("is stored in order, in as many slices as needed", async () => {
    await using service = await HttpService.start()
    const events = Array.from({ length: 60 }, (_, i) => ({
      ...EVENT,
      id: `e-${i}`,
      payload: { text: "x".repeat(200_000) },
    }))
    const response = await service.post(BATCH, { events })
    expect(response.status).toBe(201)
    const { events: receipts } = (await response.json()) as { events: { id: string }[] }
    expect(receipts.map(({ id }) => id)).toEqual(events.map(({ id }) => id))
    expect((await statsOf(service.engine, "user_events")).messageCount).toBe(60)
  })

  test("that is broken at its very end is rejected whole, and nothing is stored", async () => {
    await using service = await HttpService.start()
    const events = Array.from({ length: 50 }, () => ({ ...EVENT, payload: { text: "x".repeat(100_000) } }))
    const body = `${JSON.stringify({ events }).slice(0, -2)},{"type":nope}]}`
    await problemOf(await service.postRaw(BATCH, body, JSON_TYPE), "malformed-json", 400)
    expect((await statsOf(service.engine, "user_events")).messageCount).toBe(0)
  })

  test("with an oversized event stores the others", async () => {
    await using service = await HttpService.start({ maxBodyBytes: 1_000 })
    const events = [EVENT, { ...EVENT, payload: { text: "x".repeat(1_000) } }, EVENT]
    const response = await service.post(BATCH, { events })
    expect(response.status).toBe(207)
    const { events: answers } = (await response.json()) as { events: { problem?: { type: string } }[] }
    expect(answers.map(({ problem }) => problem?.type)).toEqual([
      undefined,
      "urn:event-broker:problem:payload-too-large",
      undefined,
    ])
  })

  test("with a million items is rejected, and the connection stays open", async () => {
    await using service = await HttpService.start()
    const refused = await service.postRaw(BATCH, `{"events":[${"1,".repeat(1_000_000)}1]}`, JSON_TYPE)
    const problem = await problemOf(refused, "validation-failed", 422)
    expect(problem.errors).toEqual([{ pointer: "/events", message: "must have 1 to 1000 events, not more" }])
    expect((await service.post(EVENTS, EVENT)).status).toBe(201)
  })
})
