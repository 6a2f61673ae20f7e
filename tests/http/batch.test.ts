import { describe, expect, test } from "bun:test"
import { HttpService } from "../support/http-service.ts"
import { problemOf } from "../support/problem-of.ts"
import { statsOf } from "../support/queue-stats.ts"

const PATH = "/api/v1/events/batch"

interface BatchResult {
  readonly count: number
  readonly failed: number
  readonly events: readonly {
    readonly id?: string
    readonly status: string
    readonly index?: number
    readonly problem?: { readonly type: string; readonly status: number; readonly instance: string }
  }[]
}

const draft = (id: string, more: object = {}) => ({ id, type: "user", name: "seen", payload: {}, ...more })
const resultOf = async (response: Response) => (await response.json()) as BatchResult

test("a batch that is fully stored is answered with 201 and a receipt for each event, in order", async () => {
  await using service = await HttpService.start()
  const response = await service.post(PATH, { events: [draft("a"), draft("b"), draft("c")] })
  expect(response.status).toBe(201)
  const result = await resultOf(response)
  expect(result).toMatchObject({ count: 3, failed: 0 })
  expect(result.events.map(({ id }) => id)).toEqual(["a", "b", "c"])
  expect<unknown>(result.events[0]).toEqual({
    id: "a",
    type: "user",
    name: "seen",
    routing_key: "events.user.seen",
    status: "pending",
    timestamp: expect.any(Number),
    message: expect.any(String),
  })
})

test("a batch that is partly stored is answered with 207, with each failure in its place", async () => {
  await using service = await HttpService.start()
  const events = [draft("a"), { type: "user" }, draft("c", { routing_key: "nowhere" }), draft("d"), "text"]
  const response = await service.post(PATH, { events }, { "X-Request-Id": "batch-1" })
  expect(response.status).toBe(207)
  const result = await resultOf(response)
  expect(result).toMatchObject({ count: 2, failed: 3 })
  expect(result.events.map(({ id, status }) => id ?? status)).toEqual([
    "a",
    "failed",
    "failed",
    "d",
    "failed",
  ])
  expect(result.events.map(({ index }) => index)).toEqual([undefined, 1, 2, undefined, 4])
  expect(result.events.map(({ problem }) => problem?.type)).toEqual([
    undefined,
    "urn:event-broker:problem:validation-failed",
    "urn:event-broker:problem:unroutable",
    undefined,
    "urn:event-broker:problem:validation-failed",
  ])
  expect(result.events[1]?.problem?.instance).toBe("batch-1")
  expect((await statsOf(service.engine, "user_events")).messageCount).toBe(2)
})

describe("a batch of which nothing is stored has the status of the first failure", () => {
  test("422 if the first is invalid", async () => {
    await using service = await HttpService.start()
    const response = await service.post(PATH, { events: [{}, draft("b", { routing_key: "nowhere" })] })
    expect(response.status).toBe(422)
    expect(await resultOf(response)).toMatchObject({ count: 0, failed: 2 })
  })

  test("503 if the first finds its queue full", async () => {
    await using service = await HttpService.start({ limits: { maxLength: 1 } })
    await service.post("/api/v1/events", draft("before"))
    const response = await service.post(PATH, { events: [draft("a"), {}] })
    expect(response.status).toBe(503)
    expect(await resultOf(response)).toMatchObject({ count: 0, failed: 2 })
  })
})

test("a batch that fills a queue stores the events that fit", async () => {
  await using service = await HttpService.start({ limits: { maxLength: 2 } })
  const response = await service.post(PATH, { events: [draft("a"), draft("b"), draft("c")] })
  expect(response.status).toBe(207)
  expect((await resultOf(response)).events.map(({ status }) => status)).toEqual([
    "pending",
    "pending",
    "failed",
  ])
})

test("a batch beyond the limit of publishes in flight is rejected from there on with 429", async () => {
  await using service = await HttpService.start({ maxInFlight: 2 })
  const response = await service.post(PATH, { events: [draft("a"), draft("b"), draft("c")] })
  expect(response.status).toBe(207)
  expect((await resultOf(response)).events.map(({ problem }) => problem?.status)).toEqual([
    undefined,
    undefined,
    429,
  ])
})

test("1,000 events are stored at once", async () => {
  await using service = await HttpService.start()
  const events = Array.from({ length: 1_000 }, (_, index) => draft(`event-${index}`))
  const response = await service.post(PATH, { events })
  expect(response.status).toBe(201)
  const result = await resultOf(response)
  expect(result).toMatchObject({ count: 1_000, failed: 0 })
  expect(result.events.map(({ id }) => id)).toEqual(events.map(({ id }) => id))
  expect((await statsOf(service.engine, "user_events")).messageCount).toBe(1_000)
})

describe("a body that is not a batch is rejected whole", () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["no events", { events: [] }, "/events"],
    ["1,001 events", { events: Array.from({ length: 1_001 }, (_, i) => draft(`${i}`)) }, "/events"],
    ["events that are not an array", { events: {} }, "/events"],
    ["a missing field", {}, "/events"],
    ["an unknown field", { events: [draft("a")], atomic: true }, "/atomic"],
    ["an unknown field whose name needs escaping", { events: [draft("a")], "a/b~c": 1 }, "/a~1b~0c"],
    ["an array", [draft("a")], ""],
    ["null", null, ""],
  ]
  test.each(cases)("%s", async (_, body, pointer) => {
    await using service = await HttpService.start()
    const problem = await problemOf(await service.post(PATH, body), "validation-failed", 422)
    expect(problem.outcome).toBe("not-stored")
    expect(problem.errors?.map((fault) => fault.pointer)).toEqual([pointer])
    expect((await statsOf(service.engine, "user_events")).messageCount).toBe(0)
  })

  test("a body over the limit of a batch", async () => {
    await using service = await HttpService.start({ maxBodyBytes: 1_048_576, maxBatchBytes: 1_024 })
    const events = [draft("a", { payload: { text: "x".repeat(2_000) } })]
    await problemOf(await service.post(PATH, { events }), "payload-too-large", 413)
  })
})
