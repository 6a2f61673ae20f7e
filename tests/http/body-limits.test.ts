import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import pino from "pino"
import { newKey } from "../../src/commands/new-key.ts"
import { KeyRing } from "../../src/http/access/key-ring.ts"
import { BodyLimits, type BodyLimitsOptions } from "../../src/http/body-limits.ts"
import { streamedResponse } from "../../src/http/publishing/streamed-response.ts"
import { HttpService } from "../support/http-service.ts"
import { problemOf } from "../support/problem-of.ts"
import { RawConnection } from "../support/raw-connection.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"
import { waitUntil } from "../support/wait-until.ts"

const EVENTS = "/api/v1/events"
const EVENT = { type: "custom", name: "limited", payload: {} }
const BATCH_BYTES = 16_777_216

const limits = (options: Partial<BodyLimitsOptions> = {}) =>
  new BodyLimits({ timeoutMs: 30_000, bufferedBytes: 1_000_000, ...options })

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` })

/** Starts a service with the keys one and two. */
async function withKeys(bodies: BodyLimits) {
  const folder = temporaryFolder()
  const file = join(folder.path, "keys")
  const [one, two] = ["one", "two"].map((name) => newKey({ name, scope: ["publish"] }))
  writeFileSync(file, `${one?.line}\n${two?.line}\n`)
  const keys = new KeyRing(file, pino({ level: "silent" }))
  const service = await HttpService.start({ bodies, keys })
  const publish = (key: string, text = "") =>
    service.post(EVENTS, { ...EVENT, payload: { text } }, bearer(key))
  return {
    service,
    one: one?.key ?? "",
    two: two?.key ?? "",
    publish,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      keys[Symbol.dispose]()
      folder[Symbol.dispose]()
    },
  }
}

/** Sends the head of a publish, and this part of its body. */
function begin(
  port: number,
  path: string,
  declared: number | "chunked",
  sent: number,
  key = "",
): RawConnection {
  const connection = new RawConnection(port)
  const length = declared === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${declared}`
  const head = [`POST ${path} HTTP/1.1`, "Host: x", "Content-Type: application/json", length]
  if (key !== "") head.push(`Authorization: Bearer ${key}`)
  connection.send(`${head.join("\r\n")}\r\n\r\n`)
  const body = " ".repeat(sent)
  connection.send(declared === "chunked" ? `${sent.toString(16)}\r\n${body}\r\n` : body)
  return connection
}

describe("a declared body that does not arrive", () => {
  test.each([
    ["batches", `${EVENTS}/batch`, BATCH_BYTES],
    ["events", EVENTS, 1_000_000],
    ["short events", EVENTS, 60_000],
  ])("uses none of the budget: 40 %s by one client", async (_, path, declared) => {
    const bodies = limits({ bufferedBytes: BATCH_BYTES * 2, largestBytes: BATCH_BYTES })
    await using service = await HttpService.start({ bodies })
    const stalled = Array.from({ length: 40 }, () => begin(service.port, path, declared, 1))
    await waitUntil(() => bodies.arriving.taken === 40, "all to be begun")
    expect(bodies.bytes.taken).toBeLessThanOrEqual(40)
    expect((await service.post(EVENTS, EVENT)).status).toBe(201)
    for (const each of stalled) each[Symbol.dispose]()
    await waitUntil(() => bodies.arriving.taken + bodies.bytes.taken === 0, "all to be given back")
  })
})

describe("arrived bytes count", () => {
  test.each(["chunked" as const, 460_000])("for their key (%s), which has a share", async (declared) => {
    const bodies = limits()
    await using keyed = await withKeys(bodies)
    const { service, one, two, publish } = keyed
    using held = begin(service.port, EVENTS, declared, 450_000, one)
    await waitUntil(() => bodies.bytes.taken === 450_000, "what arrived to be counted")
    const problem = await problemOf(await publish(one, "x".repeat(100_000)), "too-many-in-flight", 429)
    expect(problem).toMatchObject({ retryable: true, outcome: "not-stored" })
    expect(problem.detail).toContain("the key one")
    expect((await publish(two, "x".repeat(100_000))).status).toBe(201)
    held[Symbol.dispose]()
    await waitUntil(() => bodies.bytes.taken === 0, "what arrived to be given back")
    expect((await publish(one, "x".repeat(100_000))).status).toBe(201)
    expect(bodies.bytes.taken).toBe(0)
  })

  test("for all clients: when the total is used up, a client without any is refused with that reason", async () => {
    const bodies = limits({ bufferedBytes: 200_000 })
    await using service = await HttpService.start({ bodies })
    bodies.bytes.charge("the key other", 150_000)
    const refused = await service.post(EVENTS, { ...EVENT, payload: { text: "x".repeat(100_000) } })
    expect((await problemOf(refused, "too-many-in-flight", 429)).detail).toContain("all clients together")
  })

  test("no longer after the request is refused", async () => {
    const bodies = limits()
    await using service = await HttpService.start({ bodies, maxBodyBytes: 200_000 })
    using connection = begin(service.port, EVENTS, "chunked", 250_000)
    expect(await connection.head()).toStartWith("HTTP/1.1 413 ")
    await waitUntil(() => bodies.bytes.taken + bodies.arriving.taken === 0, "it to be given back")
  })
})

test("a full batch is accepted by a service whose budget is one batch", async () => {
  const bodies = limits({ bufferedBytes: 200_000, largestBytes: 200_000 })
  await using service = await HttpService.start({ bodies, maxBatchBytes: 200_000 })
  const events = [{ ...EVENT, payload: { text: "x".repeat(199_800) } }]
  expect((await service.post(`${EVENTS}/batch`, { events })).status).toBe(201)
})

test("a client has its share of arriving bodies, and leaves room for others", async () => {
  const bodies = limits({ maxArriving: 32 })
  await using keyed = await withKeys(bodies)
  const { service, one, two, publish } = keyed
  const stalled = Array.from({ length: 30 }, () => begin(service.port, EVENTS, 1_000, 10, one))
  await waitUntil(
    () => stalled.filter(({ hasAnswer }) => hasAnswer).length === 13,
    "those beyond to be refused",
  )
  const problem = await problemOf(await publish(one), "too-many-in-flight", 429)
  expect(problem.detail).toContain("still arriving of the key one")
  expect((await publish(two)).status).toBe(201)
  for (const each of stalled) each[Symbol.dispose]()
  await waitUntil(() => bodies.arriving.taken === 0, "all to be given back")
})

test("a body that trickles in is refused after its timeout, however often a byte arrives", async () => {
  const bodies = limits({ timeoutMs: 100 })
  await using service = await HttpService.start({ bodies })
  for (const declared of [1_000, 100_000]) {
    using connection = begin(service.port, EVENTS, declared, 1)
    const trickle = setInterval(() => connection.send(" "), 10)
    expect(await connection.head()).toStartWith("HTTP/1.1 408 ")
    clearInterval(trickle)
  }
  await waitUntil(() => bodies.bytes.taken + bodies.arriving.taken === 0, "all to be given back")
})

test("a response that the client does not read is ended, and releases its request", async () => {
  let hasEnded = false
  let isHeld = true
  async function* texts() {
    try {
      for (;;) yield "a line\n"
    } finally {
      hasEnded = true
    }
  }
  const hold = () => ({
    [Symbol.dispose]() {
      isHeld = false
    },
  })
  const response = streamedResponse(texts(), "text/plain", { requestId: "r-1", mayTakeLong: hold, hold }, 20)
  await waitUntil(() => hasEnded && !isHeld, "the answer to be ended")
  expect(response.text()).rejects.toThrow("does not read")
})

test("a client that disconnects while its response waits releases its request", async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let isHeld = true
  async function* texts() {
    yield "a line\n"
    await promise
    yield "another\n"
  }
  const hold = () => ({
    [Symbol.dispose]() {
      isHeld = false
    },
  })
  const response = streamedResponse(texts(), "text/plain", { requestId: "r-1", mayTakeLong: hold, hold })
  const reader = response.body?.getReader()
  await reader?.read()
  const left = reader?.cancel()
  resolve()
  await left
  expect(isHeld).toBe(false)
})
