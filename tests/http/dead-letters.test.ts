import { describe, expect, test } from "bun:test"
import type { DeadLetterReason } from "../../src/event/failure.ts"
import { changeRows } from "../support/damage.ts"
import { deadLetterRecord, failureRecord } from "../support/failure-record.ts"
import { HttpService } from "../support/http-service.ts"
import { Inbox } from "../support/inbox.ts"
import { problemOf } from "../support/problem-of.ts"
import { statsOf } from "../support/queue-stats.ts"

const PATH = "/api/v1/dead-letters/user_events"

interface Shown {
  readonly count: number
  readonly dead_letters: readonly {
    readonly queue: string
    readonly event: { readonly id: string; readonly name: string }
    readonly reason: string
  }[]
}

type Letter = readonly [id: string, name: string, reason: DeadLetterReason]

const LETTERS: readonly Letter[] = [
  ["a", "seen", "timeout"],
  ["b", "seen", "rejected"],
  ["c", "left", "timeout"],
  ["d,e", "42", "no-handler"],
]

/** Starts a service whose queue user_events has these dead letters. */
async function serviceWith(letters: readonly Letter[] = LETTERS): Promise<HttpService> {
  const service = await HttpService.start()
  const inbox = new Inbox(service.engine, "user_events")
  for (const [id, name, reason] of letters) {
    await service.post("/api/v1/events", { id, type: "user", name, payload: {} })
    await (await inbox.next()).deadLetter(deadLetterRecord({ reason }))
  }
  inbox.subscription.cancel()
  return service
}

const shownBy = async (service: HttpService, path = PATH) => (await (await service.get(path)).json()) as Shown
const idsOf = async (service: HttpService, path = PATH) =>
  (await shownBy(service, path)).dead_letters.map(({ event }) => event.id)
const redrive = (service: HttpService, body: unknown) => service.post(`${PATH}/redrive`, body)

describe("listing dead letters", () => {
  test("counts those of every queue", async () => {
    await using service = await serviceWith()
    const response = await service.get("/api/v1/dead-letters")
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      queues: ["voice_events", "user_events", "system_events", "notification_events", "custom_events"].map(
        (queue) => ({ queue_name: queue, dead_letter_count: queue === "user_events" ? 4 : 0 }),
      ),
    })
  })

  test("shows each with its event, its reason, and the time of its failure", async () => {
    await using service = await serviceWith(LETTERS.slice(0, 1))
    const { firstFailedAt, lastFailedAt, error, module } = failureRecord()
    expect<unknown>(await shownBy(service)).toEqual({
      count: 1,
      dead_letters: [
        {
          queue: "user_events",
          event: {
            id: "a",
            type: "user",
            name: "seen",
            routing_key: "events.user.seen",
            payload: {},
            priority: "medium",
            metadata: {},
            timestamp: expect.any(Number),
            status: "pending",
            retry_count: 0,
          },
          reason: "timeout",
          attempts: 1,
          first_failed_at: firstFailedAt / 1_000,
          last_failed_at: lastFailedAt / 1_000,
          error,
          module,
        },
      ],
      cursor: null,
    })
  })

  test("shows the oldest first, filtered by reason and name, up to the limit", async () => {
    await using service = await serviceWith()
    expect(await idsOf(service)).toEqual(["a", "b", "c", "d,e"])
    expect(await idsOf(service, `${PATH}?limit=2`)).toEqual(["a", "b"])
    expect(await idsOf(service, `${PATH}?reason=timeout`)).toEqual(["a", "c"])
    expect(await idsOf(service, `${PATH}?name=seen&reason=timeout&limit=5`)).toEqual(["a"])
    expect(await idsOf(service, `${PATH}?ids=c&ids=a&ids=x`)).toEqual(["a", "c"])
    expect(await idsOf(service, `${PATH}?ids=b&reason=timeout`)).toEqual([])
    // A name that looks like a number is a name.
    expect(await idsOf(service, `${PATH}?name=42`)).toEqual(["d,e"])
    expect(await idsOf(service, `${PATH}?name=never`)).toEqual([])
  })

  test("shows 100 by default", async () => {
    await using service = await serviceWith(
      Array.from({ length: 101 }, (_, i) => [`id-${i}`, "seen", "attempts-exhausted"] as const),
    )
    expect((await shownBy(service)).count).toBe(100)
    expect((await shownBy(service, `${PATH}?limit=1000`)).count).toBe(101)
  })

  const wrong = [
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=1.5", "limit"],
    ["limit=ten", "limit"],
    ["limit=1&limit=2", "limit"],
    ["reason=bored", "reason"],
    ["name=", "name"],
    ["reasn=timeout", "reasn"],
    ["__proto__=1", "__proto__"],
  ] as const
  test.each(wrong)("rejects %s by the parameter's name", async (query, parameter) => {
    await using service = await HttpService.start()
    const problem = await problemOf(await service.get(`${PATH}?${query}`), "validation-failed", 422)
    expect(problem.errors?.map((fault) => fault.parameter)).toEqual([parameter])
  })
})

describe("redriving", () => {
  test("moves dead letters back to their queue by id, by filter, the oldest, or all", async () => {
    await using service = await serviceWith([
      ...LETTERS,
      ["f", "seen", "attempts-exhausted"],
      ["g", "seen", "attempts-exhausted"],
    ])
    const answerTo = async (body: unknown) => (await redrive(service, body)).json()
    expect(await answerTo({ ids: ["b", "nobody"] })).toEqual({ redriven: 1, remaining: 5, dry_run: false })
    expect(await answerTo({ reason: "timeout", name: "left" })).toMatchObject({ redriven: 1, remaining: 4 })
    expect(await answerTo({ limit: 1 })).toMatchObject({ redriven: 1, remaining: 3 })
    expect(await idsOf(service)).toEqual(["d,e", "f", "g"])
    expect(await answerTo({ all: true, limit: 2 })).toMatchObject({ redriven: 2, remaining: 1 })
    expect(await answerTo({ all: true })).toMatchObject({ redriven: 1, remaining: 0 })
    const again = await new Inbox(service.engine, "user_events").take(6)
    expect(again.map(({ body }) => JSON.parse(body).id)).toEqual(["b", "c", "a", "d,e", "f", "g"])
    expect(again.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 1])
  })

  test("is a request whose parameters are in the body, unlike a purge, which refuses a body that it would not read", async () => {
    await using service = await serviceWith()
    const text = JSON.stringify({ dry_run: true })
    for (const path of ["/api/v1/dead-letters/user_events?all=true", "/api/v1/queues/user_events/purge"]) {
      const method = path.endsWith("purge") ? "POST" : "DELETE"
      // A stream is sent in chunks, without a length.
      const chunks = async function* () {
        await Bun.sleep(1)
        yield text
      }
      for (const body of [text, chunks]) {
        const response = await fetch(`${service.url}${path}`, {
          method,
          headers: { "Content-Type": "application/json" },
          body,
        })
        const problem = await problemOf(response, "validation-failed", 422)
        expect(problem.detail).toBe("The body of this request is not read: give its parameters in the query.")
      }
    }
    expect(await statsOf(service.engine, "user_events")).toMatchObject({ deadLetterCount: 4 })
  })

  test("in a dry run counts what would be moved, and moves nothing", async () => {
    await using service = await serviceWith()
    const response = await redrive(service, { reason: "timeout", dry_run: true })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      redriven: 2,
      remaining: 2,
      dry_run: true,
      at: expect.any(Number),
    })
    expect(await idsOf(service)).toEqual(["a", "b", "c", "d,e"])
    expect(await statsOf(service.engine, "user_events")).toMatchObject({ messageCount: 0 })
  })

  test.each([{}, { all: false }, { dry_run: true }])(
    "is rejected if nothing is selected: %j",
    async (body) => {
      await using service = await serviceWith()
      const problem = await problemOf(await redrive(service, body), "validation-failed", 422)
      expect(problem.detail).toContain("all")
      expect(await statsOf(service.engine, "user_events")).toMatchObject({ deadLetterCount: 4 })
    },
  )

  test.each([
    [{ all: true, ids: ["a"] }, "leave out ids"],
    [{ all: true, reason: "timeout", name: "seen", limit: 1 }, "leave out reason, name"],
  ])("is rejected if both all and a filter are given: %j", async (body, advice) => {
    await using service = await serviceWith()
    const problem = await problemOf(await redrive(service, body), "validation-failed", 422)
    expect(problem.detail).toContain(advice)
    expect(await statsOf(service.engine, "user_events")).toMatchObject({ deadLetterCount: 4 })
  })

  const wrong: readonly (readonly [unknown, readonly string[]])[] = [
    [{ ids: [] }, ["/ids"]],
    [{ ids: "a" }, ["/ids"]],
    [{ ids: ["a", 7, ""] }, ["/ids/1", "/ids/2"]],
    [{ reason: "bored" }, ["/reason"]],
    [{ limit: 0 }, ["/limit"]],
    [{ error: "", since: "yesterday", until: "2026-02-30" }, ["/error", "/since", "/until"]],
    [{ limit: "2", all: "yes" }, ["/limit", "/all"]],
    [{ all: true, reasn: "timeout", "a/b": 1 }, ["/reasn", "/a~1b"]],
    [[], [""]],
    [null, [""]],
  ]
  test.each(wrong)("is rejected if the body is invalid: %j", async (body, pointers) => {
    await using service = await serviceWith()
    const problem = await problemOf(await redrive(service, body), "validation-failed", 422)
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual([...pointers])
    expect(await statsOf(service.engine, "user_events")).toMatchObject({ deadLetterCount: 4 })
  })

  test("is rejected if the body is not JSON, has another media type, or is too large", async () => {
    await using service = await HttpService.start({ maxBodyBytes: 100 })
    const json = { "Content-Type": "application/json" }
    const send = (body: string, headers = json) => service.postRaw(`${PATH}/redrive`, body, headers)
    expect((await problemOf(await send("{"), "malformed-json", 400)).outcome).toBeUndefined()
    await problemOf(await send(""), "malformed-json", 400)
    const text = await send("{}", { "Content-Type": "text/plain" })
    expect((await problemOf(text, "unsupported-media-type", 415)).outcome).toBeUndefined()
    await problemOf(await send(JSON.stringify({ ids: ["x".repeat(100)] })), "payload-too-large", 413)
  })

  test("skips a corrupt event and reports it", async () => {
    await using service = await serviceWith()
    changeRows(
      service.dataDir,
      `UPDATE events SET body = replace(body, '"seen"', '"sEen"') WHERE body LIKE '%"b"%'`,
    )
    const left = { redriven: 3, remaining: 1, corrupt: 1 }
    expect(await (await redrive(service, { all: true, dry_run: true })).json()).toMatchObject({
      ...left,
      dry_run: true,
    })
    expect(await (await redrive(service, { all: true })).json()).toEqual({ ...left, dry_run: false })
    expect(await (await redrive(service, { ids: ["a"] })).json()).toEqual({
      redriven: 0,
      remaining: 1,
      dry_run: false,
    })
  })

  test("accepts a body of 64 KiB, and no larger one", async () => {
    await using service = await HttpService.start()
    const send = (bytes: number) => redrive(service, { ids: ["x".repeat(bytes - '{"ids":[""]}'.length)] })
    expect((await send(65_536)).status).toBe(200)
    await problemOf(await send(65_537), "payload-too-large", 413)
  })
})

describe("purging", () => {
  test("deletes the selection, and nothing else", async () => {
    await using service = await serviceWith([...LETTERS, ["f", "seen", "attempts-exhausted"]])
    const answerTo = async (query: string) => (await service.delete(`${PATH}?${query}`)).json()
    expect(await answerTo("ids=a,nobody&ids=b")).toEqual({ purged: 2, remaining: 3, dry_run: false })
    // A comma within an id is encoded.
    expect(await answerTo("ids=d,e")).toEqual({ purged: 0, remaining: 3, dry_run: false })
    expect(await answerTo("ids=d%2Ce")).toEqual({ purged: 1, remaining: 2, dry_run: false })
    expect(await answerTo("reason=timeout&name=seen")).toEqual({ purged: 0, remaining: 2, dry_run: false })
    expect(await answerTo("reason=timeout&dry_run=true")).toMatchObject({ purged: 1, remaining: 1 })
    expect(await answerTo("reason=timeout")).toEqual({ purged: 1, remaining: 1, dry_run: false })
    expect(await idsOf(service)).toEqual(["f"])
    expect(await answerTo("all=true")).toEqual({ purged: 1, remaining: 0, dry_run: false })
    expect(await statsOf(service.engine, "user_events")).toMatchObject({
      messageCount: 0,
      deadLetterCount: 0,
    })
  })

  test("with the time of its dry run spares what failed since, also an event that failed again", async () => {
    await using service = await serviceWith(LETTERS.slice(0, 2))
    const counted = await (await service.post(`${PATH}/purge`, { all: true, dry_run: true })).json()
    expect(counted).toMatchObject({ purged: 2, remaining: 0, dry_run: true })
    await redrive(service, { ids: ["a"] })
    await service.post("/api/v1/events", { id: "new", type: "user", name: "seen", payload: {} })
    const inbox = new Inbox(service.engine, "user_events")
    for (const delivery of await inbox.take(2)) {
      await delivery.deadLetter(deadLetterRecord({ lastFailedAt: Date.now() }))
    }
    inbox.subscription.cancel()
    const { at } = counted as { readonly at: number }
    expect(await (await service.post(`${PATH}/purge`, { until: at })).json()).toEqual({
      purged: 1,
      remaining: 2,
      dry_run: false,
    })
    expect((await idsOf(service)).toSorted()).toEqual(["a", "new"])
  })

  test("takes more ids in a body than a URL can have", async () => {
    await using service = await serviceWith()
    const ids = ["a", "d,e", ...Array.from({ length: 1_500 }, (_, n) => `${crypto.randomUUID()}${n % 10}`)]
    const answer = await service.post(`${PATH}/purge`, { ids })
    expect(await answer.json()).toEqual({ purged: 2, remaining: 2, dry_run: false })
  })

  test.each(["", "?", "?all=false"])("is rejected if nothing is selected: %j", async (query) => {
    await using service = await serviceWith()
    await problemOf(await service.delete(PATH + query), "validation-failed", 422)
    expect(await statsOf(service.engine, "user_events")).toMatchObject({ deadLetterCount: 4 })
  })

  test.each([
    ["all=true&reasn=timeout", "reasn"],
    ["all=yes", "all"],
    ["ids=", "ids"],
    ["all=true&dry_run=maybe", "dry_run"],
  ])("is rejected if a parameter is invalid: %s", async (query, parameter) => {
    await using service = await serviceWith()
    const problem = await problemOf(await service.delete(`${PATH}?${query}`), "validation-failed", 422)
    expect(problem.errors?.map((fault) => fault.parameter)).toEqual([parameter])
    expect(await statsOf(service.engine, "user_events")).toMatchObject({ deadLetterCount: 4 })
  })
})

test("an unknown queue is 404, and the queue that was meant, or else all of them, are named", async () => {
  await using service = await HttpService.start()
  const near = await problemOf(await service.get("/api/v1/dead-letters/voice_event"), "not-found", 404)
  expect(near.detail).toBe('There is no queue "voice_event"; did you mean voice_events?')
  const path = "/api/v1/dead-letters/no%2Fqueue"
  for (const response of [
    await service.get(path),
    await service.post(`${path}/redrive`, { all: true }),
    await service.delete(`${path}?all=true`),
  ]) {
    const { detail } = await problemOf(response, "not-found", 404)
    expect(detail).toContain('"no/queue"')
    expect(detail).toContain("custom_events, notification_events, system_events, user_events, voice_events")
  }
})

test("after the engine is closed, all dead-letter requests are 503", async () => {
  await using service = await serviceWith()
  await service.engine.close()
  await problemOf(await service.get(PATH), "engine-unavailable", 503)
  await problemOf(await redrive(service, { all: true }), "engine-unavailable", 503)
  await problemOf(await service.delete(`${PATH}?all=true`), "engine-unavailable", 503)
})
