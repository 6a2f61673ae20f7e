import { describe, expect, test } from "bun:test"
import { request } from "node:http"
import { HttpService } from "../support/http-service.ts"
import { Inbox } from "../support/inbox.ts"
import { KeysFile } from "../support/keys-file.ts"
import { problemOf } from "../support/problem-of.ts"
import { statsOf } from "../support/queue-stats.ts"
import { RawConnection } from "../support/raw-connection.ts"
import { waitUntil } from "../support/wait-until.ts"

const PATH = "/api/v1/events"
const BATCH_PATH = "/api/v1/events/batch"
const DRAFT = { type: "voice", name: "call.ended", payload: { call_id: "c-1" } }
const KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'
const keyed = (key = KEY) => ({ "Idempotency-Key": key })
const NDJSON = { "Content-Type": "application/x-ndjson" }

const storedIn = async (service: HttpService, queue = "voice_events"): Promise<number> =>
  (await statsOf(service.engine, queue)).messageCount

const linesOf = async (response: Response) =>
  (await response.text())
    .split("\n")
    .filter((text) => text !== "")
    .map((text) => JSON.parse(text))

describe("a request with a known idempotency key", () => {
  test("gets the first receipt again, with a header, and stores nothing", async () => {
    await using service = await HttpService.start()
    const first = await service.post(PATH, DRAFT, keyed())
    expect(first.headers.has("Idempotency-Replayed")).toBe(false)
    const receipt = await first.json()
    const again = await service.post(PATH, DRAFT, keyed())
    expect(again.status).toBe(201)
    expect(again.headers.get("Idempotency-Replayed")).toBe("true")
    expect<unknown>(await again.json()).toEqual(receipt)
    expect(await storedIn(service)).toBe(1)
  })

  test("is refused with another body, another kind of body, and as a batch", async () => {
    await using service = await HttpService.start()
    await service.post(PATH, DRAFT, keyed())
    const other = await service.post(PATH, { ...DRAFT, name: "call.started" }, keyed())
    expect(await problemOf(other, "idempotency-key-reused", 422)).toMatchObject({
      retryable: false,
      outcome: "not-stored",
    })
    const type = { "Content-Type": "application/cloudevents+json" }
    const cloudEvent = { specversion: "1.0", id: "1", source: "/x", type: "voice.call.ended" }
    await problemOf(
      await service.post(PATH, cloudEvent, { ...keyed(), ...type }),
      "idempotency-key-reused",
      422,
    )
    const batch = await service.post(BATCH_PATH, { events: [DRAFT, DRAFT] }, keyed())
    expect(batch.status).toBe(422)
    expect(await storedIn(service)).toBe(1)
  })

  test("has the same key with and without quotes, and another one in another case", async () => {
    await using service = await HttpService.start()
    await service.post(PATH, DRAFT, keyed('"a\\"b"'))
    await service.post(PATH, DRAFT, keyed('"order-1"'))
    expect((await service.post(PATH, DRAFT, keyed("order-1"))).headers.has("Idempotency-Replayed")).toBe(true)
    expect((await service.post(PATH, DRAFT, keyed("Order-1"))).headers.has("Idempotency-Replayed")).toBe(
      false,
    )
  })

  test("may use it for another body if the first one was refused", async () => {
    await using service = await HttpService.start()
    const refused = await service.post(PATH, { ...DRAFT, routing_key: "nowhere" }, keyed())
    await problemOf(refused, "unroutable", 422)
    expect((await service.post(PATH, DRAFT, keyed())).status).toBe(201)
    expect(await storedIn(service)).toBe(1)
  })

  test("of another API key is another request", async () => {
    using keys = new KeysFile([
      { name: "one", scope: ["publish"] },
      { name: "two", scope: ["publish"] },
    ])
    await using service = await HttpService.start({ keys: keys.ring })
    for (const name of ["one", "two"]) {
      const response = await service.post(
        PATH,
        { ...DRAFT, payload: { name } },
        { ...keyed(), ...keys.bearer(name) },
      )
      expect(response.status).toBe(201)
      expect(response.headers.has("Idempotency-Replayed")).toBe(false)
    }
  })

  test("is refused while the first one is in flight, with the advice to repeat it", async () => {
    await using service = await HttpService.start()
    const text = JSON.stringify(DRAFT)
    using slow = new RawConnection(service.port)
    const head = `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
    slow.send(`${head}Idempotency-Key: ${KEY}\r\nContent-Length: ${text.length}\r\n\r\n${text.slice(0, 10)}`)
    const repeat = () => service.post(PATH, DRAFT, keyed())
    // Nothing shows when the head has arrived, and a repetition that comes first would be the first one.
    await Bun.sleep(200)
    const problem = await problemOf(await repeat(), "idempotency-key-in-flight", 409)
    expect(problem).toMatchObject({ retryable: true, outcome: "not-stored" })
    slow.send(text.slice(10))
    expect(await slow.head()).toStartWith("HTTP/1.1 201")
    expect((await service.post(PATH, DRAFT, keyed())).headers.get("Idempotency-Replayed")).toBe("true")
    expect(await storedIn(service)).toBe(1)
  })

  test.each([
    ["event", PATH, DRAFT],
    ["batch", BATCH_PATH, { events: [DRAFT, DRAFT] }],
  ])(
    "gets the receipt (%s) also beside other repetitions, once the first one is answered",
    async (_, path, body) => {
      await using service = await HttpService.start()
      const first = await (await service.post(path, body, keyed())).json()
      const again = await Promise.all(Array.from({ length: 64 }, () => service.post(path, body, keyed())))
      expect(again.map(({ status }) => status)).toEqual(again.map(() => 201))
      for (const each of again) expect<unknown>(await each.json()).toEqual(first)
      const other = await Promise.all(
        [1, 2].map(() => service.post(path, { ...body, type: "user" }, keyed())),
      )
      expect(other.map(({ status }) => status)).toEqual([422, 422])
      expect(await storedIn(service)).toBe("events" in body ? 2 : 1)
    },
  )

  test("is a new request after DEDUPLICATION_WINDOW", async () => {
    await using service = await HttpService.start({ deduplicationWindowMs: 200 })
    await service.post(PATH, DRAFT, keyed())
    await Bun.sleep(250)
    expect((await service.post(PATH, DRAFT, keyed())).headers.has("Idempotency-Replayed")).toBe(false)
    expect(await storedIn(service)).toBe(2)
  })

  test("is recognized by the attributes of a CloudEvent in binary mode, too", async () => {
    await using service = await HttpService.start()
    const attributes = { "ce-specversion": "1.0", "ce-source": "/calls", "ce-type": "voice.call.ended" }
    const send = (id: string) => service.post(PATH, { a: 1 }, { ...attributes, "ce-id": id, ...keyed() })
    expect((await send("1")).status).toBe(201)
    expect((await send("1")).headers.get("Idempotency-Replayed")).toBe("true")
    await problemOf(await send("2"), "idempotency-key-reused", 422)
  })
})

describe("an invalid idempotency key is refused, and says what is wrong", () => {
  test.each([
    ["", "is empty"],
    ['""', "is empty"],
    ["two words", "a space"],
    ['"open', "no end quote"],
    ['"a"b', "something behind it"],
    ['"a\\b"', "invalid escape"],
    ["a;b=1", "a semicolon"],
    ["größe", "printable ASCII"],
    ["a, b", "more than one value"],
    ["x".repeat(256), "256 characters"],
    [`"${"x".repeat(256)}"`, "256 characters"],
  ])("%p %s", async (key, fault) => {
    await using service = await HttpService.start()
    for (const path of [PATH, BATCH_PATH]) {
      const problem = await problemOf(
        await service.post(path, DRAFT, keyed(key)),
        "idempotency-key-invalid",
        400,
      )
      expect(problem.detail).toContain(fault)
      expect(problem).toMatchObject({ retryable: false, outcome: "not-stored" })
    }
    expect(await storedIn(service)).toBe(0)
  })

  test("two headers are more than one value", async () => {
    await using service = await HttpService.start()
    using connection = new RawConnection(service.port)
    const body = JSON.stringify(DRAFT)
    connection.send(
      `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
        `Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n${body}`,
    )
    expect(await connection.head()).toStartWith("HTTP/1.1 400")
    expect(await storedIn(service)).toBe(0)
  })

  test("255 characters are valid", async () => {
    await using service = await HttpService.start()
    for (const key of ["x".repeat(255), `"${"y".repeat(255)}"`, "!#$%&'()*+-./:<=>?@[]^_`{|}~"]) {
      expect((await service.post(PATH, DRAFT, keyed(key))).status).toBe(201)
    }
  })
})

test("with DEDUPLICATION_WINDOW=0 a key is refused, and an id is stored each time", async () => {
  await using service = await HttpService.start({ deduplicationWindowMs: 0 })
  for (const path of [PATH, BATCH_PATH]) {
    const problem = await problemOf(await service.post(path, DRAFT, keyed()), "idempotency-off", 400)
    expect(problem.detail).toContain("DEDUPLICATION_WINDOW is 0")
  }
  for (let n = 0; n < 2; n++) {
    expect(await (await service.post(PATH, { ...DRAFT, id: "c-1" })).json()).not.toHaveProperty("duplicate")
  }
  expect(await storedIn(service)).toBe(2)
})

describe("an event with a known id", () => {
  test("is stored once, whatever its payload, and answered with the first receipt as a duplicate", async () => {
    await using service = await HttpService.start()
    const first = (await (await service.post(PATH, { ...DRAFT, id: "c-1" })).json()) as object
    const again = await service.post(PATH, { ...DRAFT, id: "c-1", payload: { other: 1 }, priority: "high" })
    expect(again.status).toBe(201)
    expect(again.headers.has("Idempotency-Replayed")).toBe(false)
    expect<unknown>(await again.json()).toEqual({
      ...first,
      message: "Event was stored before",
      duplicate: true,
    })
    expect(await storedIn(service)).toBe(1)
  })

  test("is another event if its type, its routing key or its CloudEvents source is another one", async () => {
    await using service = await HttpService.start()
    const events = [
      { ...DRAFT, id: "1" },
      { ...DRAFT, id: "1", type: "user" },
      { ...DRAFT, id: "1", name: "other" },
      { ...DRAFT, id: "1", metadata: { source: "/a" } },
      { ...DRAFT, id: "1", metadata: { source: "/b" } },
    ]
    for (const event of events) {
      expect(await (await service.post(PATH, event)).json()).not.toHaveProperty("duplicate")
    }
    expect(await storedIn(service)).toBe(4)
    expect(await storedIn(service, "user_events")).toBe(1)
  })

  test("is stored once within a batch and on lines, too", async () => {
    await using service = await HttpService.start()
    const events = ["a", "b", "a"].map((id) => ({ ...DRAFT, id }))
    const batch = await (await service.post(BATCH_PATH, { events })).json()
    expect(batch).toMatchObject({
      count: 3,
      failed: 0,
      events: [{ id: "a" }, { id: "b" }, { duplicate: true }],
    })
    const text = ["b", "c", "c"].map((id) => JSON.stringify({ ...DRAFT, id })).join("\n")
    const lines = await linesOf(await service.postRaw(BATCH_PATH, text, NDJSON))
    expect(lines.map(({ duplicate }) => duplicate)).toEqual([true, undefined, true])
    expect(await storedIn(service)).toBe(3)
  })

  test("is counted as a duplicate", async () => {
    await using service = await HttpService.start()
    for (let n = 0; n < 3; n++) await service.post(PATH, { ...DRAFT, id: "c-1" })
    const metrics = await (await service.get("/metrics")).text()
    expect(metrics).toContain(
      'event_broker_publish_duration_seconds_count{type="voice",outcome="duplicate"} 2',
    )
  })

  test("is stored again when it is handled and its window is over, not before", async () => {
    await using service = await HttpService.start({ deduplicationWindowMs: 300 })
    const inbox = new Inbox(service.engine, "voice_events")
    const publish = () => service.post(PATH, { ...DRAFT, id: "c-1" })
    await publish()
    await (await inbox.next()).ack()
    expect(await (await publish()).json()).toMatchObject({ duplicate: true })
    await Bun.sleep(350)
    await publish()
    await (await inbox.next()).ack()
  })
})

describe("a batch with a known idempotency key", () => {
  const events = Array.from({ length: 5 }, (_, n) => ({ ...DRAFT, payload: { n } }))

  test("gets the receipts of all events again", async () => {
    await using service = await HttpService.start()
    const first = await service.post(BATCH_PATH, { events }, keyed())
    const receipts = await first.json()
    const again = await service.post(BATCH_PATH, { events }, keyed())
    expect(again.status).toBe(201)
    expect(again.headers.get("Idempotency-Replayed")).toBe("true")
    expect<unknown>(await again.json()).toEqual(receipts)
    expect(await storedIn(service)).toBe(5)
  })

  test("stores only what the first request could not store", async () => {
    await using service = await HttpService.start({ limits: { maxLength: 3 } })
    const first = await service.post(BATCH_PATH, { events }, keyed())
    expect(first.status).toBe(207)
    const inbox = new Inbox(service.engine, "voice_events")
    for (let n = 0; n < 3; n++) await (await inbox.next()).ack()
    const again = await service.post(BATCH_PATH, { events }, keyed())
    expect(again.status).toBe(201)
    expect(again.headers.has("Idempotency-Replayed")).toBe(false)
    const numbers = [3, 4]
    for (const n of numbers) expect(JSON.parse((await inbox.next()).body)).toMatchObject({ payload: { n } })
    expect(await storedIn(service)).toBe(0)
  })

  test("is refused whole with another body, even with more events", async () => {
    await using service = await HttpService.start()
    await service.post(BATCH_PATH, { events }, keyed())
    const other = await service.post(BATCH_PATH, { events: [...events, DRAFT] }, keyed())
    expect(other.status).toBe(422)
    expect(await other.json()).toMatchObject({ count: 0, failed: 6 })
    expect(await storedIn(service)).toBe(5)
  })

  test("on lines, stores what is new, and refuses lines that are other than before", async () => {
    await using service = await HttpService.start()
    const send = async (...drafts: readonly object[]) => {
      const body = drafts.map((draft) => JSON.stringify(draft)).join("\n")
      return linesOf(await service.postRaw(BATCH_PATH, body, { ...NDJSON, ...keyed() }))
    }
    const [a, b, c, d] = events
    if (!a || !b || !c || !d) throw new Error("there are five")
    const first = await send(a, b)
    const again = await send(a, d, c)
    expect(again[0]).toEqual(first[0])
    expect(again[1]).toMatchObject({
      line: 2,
      problem: { type: "urn:event-broker:problem:idempotency-key-reused" },
    })
    expect(again[2]).toMatchObject({ message: "Event stored" })
    expect(await storedIn(service)).toBe(3)
    const json = await service.post(BATCH_PATH, { events }, keyed())
    expect(json.status).toBe(422)
  })

  test("on lines, continues at the line that first_line names", async () => {
    await using service = await HttpService.start()
    const lineOf = (n: number) => `${JSON.stringify({ ...DRAFT, payload: { n } })}\n`
    const send = async (query: string, ...numbers: readonly number[]) => {
      const body = `\n${numbers.map(lineOf).join("")}{\n`
      return linesOf(await service.postRaw(BATCH_PATH + query, body, { ...NDJSON, ...keyed() }))
    }
    const first = await send("", 2, 3, 4)
    expect(first[3]).toMatchObject({ index: 3, line: 5 })
    const continued = await send("?first_line=2", 3, 4, 5)
    expect(continued.slice(0, 2)).toEqual(first.slice(1, 3))
    expect(continued[3]).toMatchObject({ index: 3, line: 6 })
    expect(await storedIn(service)).toBe(4)
  })

  test.each([
    ["?first_line=0", NDJSON, "must be"],
    ["?first_line=x", NDJSON, "must be"],
    ["?first_line=2", { "Content-Type": "application/json" }, "is only for application/x-ndjson"],
  ])("refuses a first line that can't be: %s", async (query, headers, fault) => {
    await using service = await HttpService.start()
    const response = await service.postRaw(BATCH_PATH + query, JSON.stringify({ events: [DRAFT] }), headers)
    const problem = await problemOf(response, "validation-failed", 422)
    expect(problem.errors).toMatchObject([
      { parameter: "first_line", message: expect.stringContaining(fault) },
    ])
  })

  test("on lines, is in flight until the upload ends or breaks", async () => {
    await using service = await HttpService.start()
    const headers = { ...NDJSON, ...keyed() }
    const line = `${JSON.stringify(DRAFT)}\n`
    const open = request(service.url + BATCH_PATH, { method: "POST", headers })
    open.on("error", () => {})
    open.write(line)
    await waitUntil(async () => (await storedIn(service)) === 1, "the first line")
    await problemOf(await service.postRaw(BATCH_PATH, line, headers), "idempotency-key-in-flight", 409)
    open.destroy()
    await waitUntil(
      async () => (await service.postRaw(BATCH_PATH, line, headers)).status === 200,
      "the end of the upload",
    )
    expect(await storedIn(service)).toBe(1)
    const unsupported = { ...headers, "Content-Encoding": "gzip", "Idempotency-Key": "other" }
    await problemOf(await service.postRaw(BATCH_PATH, line, unsupported), "unsupported-media-type", 415)
    expect((await service.postRaw(BATCH_PATH, line, { ...headers, "Idempotency-Key": "other" })).status).toBe(
      200,
    )
  })
})

test("web pages may send keys and read whether an answer is a repetition", async () => {
  const origin = "https://console.example.com"
  await using service = await HttpService.start({ corsOrigins: [origin] })
  const preflight = await fetch(service.url + PATH, {
    method: "OPTIONS",
    headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
  })
  expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain("Idempotency-Key")
  const response = await service.post(PATH, DRAFT, { Origin: origin })
  expect(response.headers.get("Access-Control-Expose-Headers")).toContain("Idempotency-Replayed")
})
