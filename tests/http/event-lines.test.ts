import { describe, expect, test } from "bun:test"
import { RateLimit } from "../../src/http/access/rate-limit.ts"
import { BodyLimits } from "../../src/http/body-limits.ts"
import { HttpService } from "../support/http-service.ts"
import { Inbox } from "../support/inbox.ts"
import { LineUpload } from "../support/line-upload.ts"
import { problemOf } from "../support/problem-of.ts"
import { statsOf } from "../support/queue-stats.ts"
import { waitUntil } from "../support/wait-until.ts"

const PATH = "/api/v1/events/batch"
const JSON_TYPE = { "Content-Type": "application/json" }
const NDJSON = { "Content-Type": "application/x-ndjson" }

const line = (id: string, more: object = {}) =>
  JSON.stringify({ id, type: "user", name: "seen", payload: {}, ...more })

const answersOf = (text: string) =>
  text
    .split("\n")
    .filter((each) => each !== "")
    .map((each) => JSON.parse(each))

const toSlug = (type: string | undefined) => type?.replace("urn:event-broker:problem:", "")

test("each line is answered with a line, in order; a failing one affects no other", async () => {
  await using service = await HttpService.start({ maxBodyBytes: 200 })
  const body = [
    line("a"),
    "",
    "{broken",
    `${line("b")}\r`,
    line("c", { payload: { text: "x".repeat(200) } }),
    line("d", { routing_key: "nowhere" }),
    line("e"),
  ].join("\n")
  const response = await service.postRaw(PATH, body, { ...NDJSON, "X-Request-Id": "lines-1" })
  expect(response.status).toBe(200)
  expect(response.headers.get("content-type")).toBe("application/x-ndjson")
  const answers = answersOf(await response.text())
  expect(answers.map(({ id, index }) => id ?? index)).toEqual(["a", 1, "b", 3, 4, "e"])
  expect(answers.map(({ problem }) => toSlug(problem?.type))).toEqual([
    undefined,
    "malformed-json",
    undefined,
    "payload-too-large",
    "unroutable",
    undefined,
  ])
  expect(answers.map((answer) => answer.line)).toEqual([undefined, 3, undefined, 5, 6, undefined])
  expect(answers[1].problem.instance).toBe("lines-1")
  expect((await statsOf(service.engine, "user_events")).messageCount).toBe(3)
})

test("lines are stored and answered while others are still arriving", async () => {
  await using service = await HttpService.start()
  using upload = new LineUpload(service.port, PATH)
  upload.send(`${line("first")}\n${line("second").slice(0, 10)}`)
  await upload.answers(1)
  expect((await statsOf(service.engine, "user_events")).messageCount).toBe(1)
  upload.send(`${line("second").slice(10)}\n`)
  expect((await upload.answers(2)).map(({ id }) => id)).toEqual(["first", "second"])
})

describe("lines wait", () => {
  test("while a queue is full, and are stored in order when it has room", async () => {
    await using service = await HttpService.start({ limits: { maxLength: 3 } })
    using upload = new LineUpload(service.port, PATH)
    const ids = Array.from({ length: 10 }, (_, index) => `e-${index}`)
    upload.send(`${ids.map((id) => line(id)).join("\n")}\n`)
    await waitUntil(
      async () => (await statsOf(service.engine, "user_events")).messageCount === 3,
      "a full queue",
    )
    const inbox = new Inbox(service.engine, "user_events", 1)
    const handled: string[] = []
    for (const _ of ids) {
      const delivery = await inbox.next()
      handled.push(JSON.parse(delivery.body).id)
      await delivery.ack()
    }
    expect(handled).toEqual(ids)
    expect((await upload.answers(10)).map(({ id }) => id)).toEqual(ids)
  })

  test("while too much is in flight", async () => {
    await using service = await HttpService.start({ maxInFlight: 2 })
    const ids = Array.from({ length: 20 }, (_, index) => `e-${index}`)
    const response = await service.postRaw(PATH, ids.map((id) => line(id)).join("\n"), NDJSON)
    expect(answersOf(await response.text()).map(({ id }) => id)).toEqual(ids)
  })

  test("while the rate is used up, without being rejected", async () => {
    let now = 0
    await using service = await HttpService.start({ rates: new RateLimit(600, () => now) })
    using upload = new LineUpload(service.port, PATH)
    const lines = Array.from({ length: 1_200 }, (_, index) => line(`e-${index}`))
    upload.send(`${lines.join("\n")}\n`)
    await upload.answers(1_000)
    now += 60_000
    expect(await upload.answers(1_200)).toHaveLength(1_200)
  })

  test("while the client does not read the responses, and no more are read", async () => {
    await using service = await HttpService.start()
    using upload = new LineUpload(service.port, PATH)
    upload.pause()
    // Some thousand fit in the buffers of both sides; the rest waits in the client.
    const count = 100_000
    for (let index = 0; index < count; index++) upload.send(`${line(`e-${index}`)}\n`)
    await waitUntil(async () => {
      const before = (await statsOf(service.engine, "user_events")).messageCount
      await Bun.sleep(300)
      return before > 0 && (await statsOf(service.engine, "user_events")).messageCount === before
    }, "the service to read no more")
    expect((await statsOf(service.engine, "user_events")).messageCount).toBeLessThan(count)
    upload.resume()
    await upload.answers(count)
  }, 60_000)
})

describe("a body that ends early has the reason as its last line", () => {
  test("if the client stops sending", async () => {
    await using service = await HttpService.start({ bodyTimeoutMs: 50 })
    using upload = new LineUpload(service.port, PATH)
    upload.send(`${line("a")}\n{"id":`)
    const [first, last] = await upload.answers(2)
    expect([first.id, last.index, toSlug(last.problem.type)]).toEqual(["a", 1, "request-timeout"])
  })

  test("if the service stops: lines already read are stored and answered", async () => {
    const service = await HttpService.start()
    using upload = new LineUpload(service.port, PATH)
    upload.send(`${line("a")}\n`)
    await upload.answers(1)
    const stopped = service[Symbol.asyncDispose]()
    const [, last] = await upload.answers(2)
    expect([last.index, toSlug(last.problem.type), last.problem.retryable]).toEqual([
      1,
      "engine-unavailable",
      true,
    ])
    await stopped
  })
})

test("a line that trickles in is ended after the body timeout, however often a byte arrives", async () => {
  await using service = await HttpService.start({ bodyTimeoutMs: 100 })
  using upload = new LineUpload(service.port, PATH)
  upload.send(`${line("a")}\n`)
  await upload.answers(1)
  const trickle = setInterval(() => upload.send("x"), 10)
  const [, last] = await upload.answers(2)
  clearInterval(trickle)
  expect([last.index, toSlug(last.problem.type)]).toEqual([1, "request-timeout"])
})

test("lines that arrive byte by byte are the same lines", async () => {
  await using service = await HttpService.start()
  using upload = new LineUpload(service.port, PATH)
  const ids = ["a", "b", "c"]
  for (const byte of `\n\r\n${ids.map((id) => line(id)).join("\r\n\n")}\n`) upload.send(byte)
  expect((await upload.answers(3)).map(({ id }) => id)).toEqual(ids)
})

test("an upload holds no bytes while it waits, and the bytes of a disconnected client are released", async () => {
  const bodies = new BodyLimits({ timeoutMs: 30_000, bufferedBytes: 10_000_000 })
  await using service = await HttpService.start({ bodies })
  {
    using upload = new LineUpload(service.port, PATH)
    upload.send(`${line("a")}\n`)
    await upload.answers(1)
    await waitUntil(() => bodies.bytes.taken === 0, "the line to be given back")
    upload.send(" ".repeat(1_000))
    await waitUntil(() => bodies.bytes.taken === 1_000, "half a line to be counted")
    expect(bodies.uploads.taken).toBe(1)
  }
  await waitUntil(() => bodies.uploads.taken + bodies.bytes.taken === 0, "all to be given back")
})

test("a client has its share of the uploads; idle ones keep nobody from publishing", async () => {
  const bodies = new BodyLimits({ timeoutMs: 30_000, bufferedBytes: 1_000_000, maxUploads: 8 })
  await using service = await HttpService.start({ bodies })
  const uploads = Array.from({ length: 4 }, () => new LineUpload(service.port, PATH))
  await waitUntil(() => bodies.uploads.taken === 4, "the uploads to be open")
  const refused = await service.postRaw(PATH, line("b"), NDJSON)
  const problem = await problemOf(refused, "too-many-in-flight", 429)
  expect(problem.detail).toContain("the address 127.0.0.1")
  expect((await service.postRaw("/api/v1/events", line("c"), JSON_TYPE)).status).toBe(201)
  for (const upload of uploads) upload[Symbol.dispose]()
  await waitUntil(() => bodies.uploads.taken === 0, "the uploads to be closed")
  expect((await service.postRaw(PATH, line("d"), NDJSON)).status).toBe(200)
})
