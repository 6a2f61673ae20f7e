import { afterEach, describe, expect, test } from "bun:test"
import fc from "fast-check"
import { EVENT_TYPES } from "../../src/event/event-type.ts"
import { SCOPES } from "../../src/http/access/scope.ts"
import { changeRows } from "../support/damage.ts"
import { deadLettersOf } from "../support/dead-letters-of.ts"
import { EventSource } from "../support/event-source.ts"
import { deadLetterRecord } from "../support/failure-record.ts"
import { HttpService } from "../support/http-service.ts"
import { Inbox } from "../support/inbox.ts"
import { KeysFile } from "../support/keys-file.ts"
import { problemOf } from "../support/problem-of.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { statsOf } from "../support/queue-stats.ts"

const EVENTS = "/api/v1/events"
const VOICE = { type: "voice", name: "ended", payload: {} }

const disposables: Disposable[] = []
afterEach(() => {
  for (const each of disposables.splice(0)) each[Symbol.dispose]()
})

interface Limited {
  readonly service: HttpService
  /** Request headers with the key limited to voice, and with the unlimited key. */
  readonly voice: Record<string, string>
  readonly anybody: Record<string, string>
}

/** Starts a service with a key of every scope that is limited to voice, and one that is not limited. */
async function limitedService(options: Parameters<typeof HttpService.start>[0] = {}): Promise<Limited> {
  const keys = new KeysFile([
    { name: "voice", scope: SCOPES, type: ["voice"] },
    { name: "anybody", scope: SCOPES },
  ])
  disposables.push(keys)
  const service = await HttpService.start({ ...options, keys: keys.ring })
  return { service, voice: keys.bearer("voice"), anybody: keys.bearer("anybody") }
}

const json = (response: Response) => response.json() as Promise<Record<string, unknown>>

describe("a key that is limited to voice", () => {
  const elsewhere: readonly (readonly [string, object])[] = [
    ["a routing key of another type", { ...VOICE, routing_key: "events.user.deleted" }],
    [
      "a routing key that only starts with the same letters as its own",
      { ...VOICE, routing_key: "events.voicemail.x" },
    ],
    ["a routing key outside events", { ...VOICE, routing_key: "voice" }],
    ["a routing key in another case", { ...VOICE, routing_key: "EVENTS.VOICE.ended" }],
    ["a routing key with a wildcard", { ...VOICE, routing_key: "events.#" }],
    ["another type", { ...VOICE, type: "user" }],
    [
      "another type, with a routing key of its own",
      { ...VOICE, type: "user", routing_key: "events.voice.x" },
    ],
  ]

  test.each(elsewhere)("publishes nothing with %s, on any route", async (_, draft) => {
    const { service, voice } = await limitedService()
    await using _service = service
    await service.engine.declareQueues([queueDeclaration("all", { bindings: ["#"] })])
    const single = await problemOf(await service.post(EVENTS, draft, voice), "forbidden", 403)
    expect(single.outcome).toBe("not-stored")
    const refused = { status: "failed", problem: { status: 403, outcome: "not-stored" } }
    const batch = await service.post(`${EVENTS}/batch`, { events: [draft, VOICE] }, voice)
    expect(batch.status).toBe(207)
    expect(await json(batch)).toMatchObject({ count: 1, events: [refused, { type: "voice" }] })
    const lines = await service.postRaw(
      `${EVENTS}/batch`,
      `${JSON.stringify(draft)}\n${JSON.stringify(VOICE)}\n`,
      {
        ...voice,
        "Content-Type": "application/x-ndjson",
      },
    )
    expect(
      (await lines.text())
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([refused, { type: "voice" }])
    expect(await statsOf(service.engine, "all")).toMatchObject({ messageCount: 2 })
    expect(await statsOf(service.engine, "voice_events")).toMatchObject({ messageCount: 2 })
  })

  test("publishes no CloudEvent elsewhere, in either mode", async () => {
    const { service, voice } = await limitedService()
    await using _ = service
    const cloudEvent = {
      specversion: "1.0",
      id: "1",
      source: "/a",
      type: "voice.ended",
      routingkey: "events.user.x",
    }
    const structured = { ...voice, "Content-Type": "application/cloudevents+json" }
    const refused = await problemOf(await service.post(EVENTS, cloudEvent, structured), "forbidden", 403)
    expect(refused.outcome).toBe("not-stored")
    const attributes = Object.entries(cloudEvent).map(([name, value]) => [`ce-${name}`, value])
    const binary = { ...voice, ...Object.fromEntries(attributes) }
    await problemOf(await service.post(EVENTS, {}, binary), "forbidden", 403)
    await problemOf(
      await service.post(EVENTS, { ...cloudEvent, type: "ended" }, structured),
      "forbidden",
      403,
    )
    expect(
      (await service.post(EVENTS, { ...cloudEvent, routingkey: "events.voice.x" }, structured)).status,
    ).toBe(201)
  })

  test.each(["events.voice", "events.voice.x", "events.voice.user.deleted", ""])(
    "publishes with the routing key %j, which follows from its type",
    async (routing_key) => {
      const { service, voice } = await limitedService()
      await using _ = service
      expect((await service.post(EVENTS, { ...VOICE, routing_key }, voice)).status).toBe(201)
    },
  )

  const invalid: readonly (readonly [unknown, string])[] = [
    [{ ...VOICE, routing_key: 7 }, "/routing_key"],
    [{ ...VOICE, routing_key: null }, "/routing_key"],
    [{ ...VOICE, routing_key: ["events.user.x"] }, "/routing_key"],
    [{ ...VOICE, type: "voise" }, "/type"],
    [{ ...VOICE, type: ["voice"] }, "/type"],
    [{ name: "ended", payload: {}, routing_key: "events.user.x" }, "/type"],
    ["voice", ""],
    [[VOICE], ""],
  ]
  test.each(invalid)("is told what is wrong with an invalid event: %j", async (draft, pointer) => {
    const { service, voice } = await limitedService()
    await using _ = service
    const problem = await problemOf(await service.post(EVENTS, draft, voice), "validation-failed", 422)
    expect(problem.errors?.map((fault) => fault.pointer)).toEqual([pointer])
  })

  test("stores nothing outside its types, whatever it sends", async () => {
    const { service, voice } = await limitedService({ maxInFlight: 100_000 })
    await using _ = service
    await service.engine.declareQueues([queueDeclaration("all", { bindings: ["#"] })])
    const word = fc.constantFrom("events", "voice", "user", "voicemail", "#", "*", "", " ", "VOICE", "\u0000")
    const routingKey = fc.oneof(
      fc.array(word, { maxLength: 4 }).map((words) => words.join(".")),
      fc.jsonValue(),
    )
    const draft = fc.record(
      {
        type: fc.oneof({ weight: 3, arbitrary: fc.constantFrom("voice", ...EVENT_TYPES) }, fc.jsonValue()),
        name: fc.constantFrom("ended", "user", "a.b"),
        payload: fc.constant({}),
        routing_key: routingKey,
        __proto__: fc.constant({ routing_key: "events.user.x" }),
      },
      { requiredKeys: ["payload", "name"] },
    )
    const stored: { type: string; routing_key: string }[] = []
    await fc.assert(
      fc.asyncProperty(fc.array(draft, { minLength: 50, maxLength: 50 }), async (events) => {
        const answer = await service.post(`${EVENTS}/batch`, { events }, voice)
        const results = (await json(answer))["events"] as {
          status: string
          type: string
          routing_key: string
        }[]
        stored.push(...results.filter(({ status }) => status === "pending"))
      }),
      { numRuns: 20 },
    )
    expect(stored.length).toBeGreaterThan(0)
    expect(stored.filter(({ type }) => type !== "voice")).toEqual([])
    expect(stored.filter(({ routing_key }) => !/^events\.voice(\.|$)/.test(routing_key))).toEqual([])
    expect(await statsOf(service.engine, "all")).toMatchObject({ messageCount: stored.length })
  })

  test("can't validate payloads of another type", async () => {
    const schemas = ["voice", "user"].map((type) => ({ path: `${type}/ended.json`, schema: {} }))
    const { service, voice } = await limitedService({ schemas })
    await using _ = service
    const path = (type: string) => `/api/v1/schemas/${type}/ended/validate`
    expect((await service.post(path("voice"), { payload: {} }, voice)).status).toBe(200)
    await problemOf(await service.post(path("user"), { payload: {} }, voice), "forbidden", 403)
    await problemOf(await service.post(path("none"), { payload: {} }, voice), "not-found", 404)
  })
})

test("a limited key sees live only events of its types, whatever it asks for and others see", async () => {
  const { service, voice, anybody } = await limitedService()
  await using _ = service
  const stream = `${service.url}${EVENTS}/stream`
  using own = await EventSource.open(stream, voice)
  using asking = await EventSource.open(`${stream}?topics=events.user.%23,%23`, voice)
  using all = await EventSource.open(stream, anybody)
  const publish = (draft: object) => service.post(EVENTS, { ...VOICE, ...draft }, anybody)
  await publish({ type: "user", name: "user" })
  await publish({ name: "labelled", routing_key: "events.user.x" })
  await publish({ name: "voicemail", routing_key: "events.user.events.voice.x" })
  await publish({ type: "user", name: "led", routing_key: "events.voice.x" })
  await publish({ name: "last" })
  for (const source of [own, asking, all]) await source.saw("last")
  const namesOf = (source: EventSource) => source.events.map(({ name }) => name)
  expect(namesOf(own)).toEqual(["led", "last"])
  expect(namesOf(asking)).toEqual(["led", "last"])
  expect(namesOf(all)).toEqual(["user", "labelled", "voicemail", "led", "last"])
})

describe("the dead letters of a limited key", () => {
  const PATH = "/api/v1/dead-letters"

  /** Two of voice, one only labelled voice, one of user: all on a queue that receives everything. */
  async function withDeadLetters(): Promise<
    Limited & { readonly idsLeft: () => Promise<readonly string[]> }
  > {
    const limited = await limitedService()
    const { service, anybody } = limited
    await service.engine.declareQueues([queueDeclaration("all", { bindings: ["events.#"] })])
    const inbox = new Inbox(service.engine, "all")
    const drafts = [
      { ...VOICE, id: "v1" },
      { ...VOICE, id: "labelled", routing_key: "events.user.ended" },
      { ...VOICE, id: "v2", name: "begun" },
      { ...VOICE, id: "u1", type: "user" },
    ]
    for (const draft of drafts) {
      await service.post(EVENTS, draft, anybody)
      await (await inbox.next()).deadLetter(deadLetterRecord({ reason: "timeout" }))
    }
    inbox.subscription.cancel()
    const idsLeft = async () =>
      (await deadLettersOf(service.engine, "all", {})).map(({ body }) => JSON.parse(body).id as string)
    return { ...limited, idsLeft }
  }

  const get = ({ service, voice }: Limited, path: string) => fetch(service.url + path, { headers: voice })
  const remove = ({ service, voice }: Limited, query: string) =>
    fetch(`${service.url}${PATH}/all?${query}`, { method: "DELETE", headers: voice })

  test("are counted and listed without others", async () => {
    const limited = await withDeadLetters()
    await using _ = limited.service
    const counts = (await json(await get(limited, PATH)))["queues"]
    expect(counts).toContainEqual({ queue_name: "all", dead_letter_count: 2 })
    expect(counts).toContainEqual({ queue_name: "voice_events", dead_letter_count: 0 })
    const shown = async (query: string) =>
      (
        (await json(await get(limited, `${PATH}/all${query}`)))["dead_letters"] as { event: { id: string } }[]
      ).map(({ event }) => event.id)
    expect(await shown("")).toEqual(["v1", "v2"])
    expect(await shown("?limit=1")).toEqual(["v1"])
    expect(await shown("?name=ended&reason=timeout")).toEqual(["v1"])
  })

  test("are redriven without others, and `remaining` counts only its own", async () => {
    const limited = await withDeadLetters()
    await using _ = limited.service
    const redrive = async (body: object) =>
      json(await limited.service.post(`${PATH}/all/redrive`, body, limited.voice))
    expect(await redrive({ ids: ["u1", "labelled"] })).toEqual({ redriven: 0, remaining: 2, dry_run: false })
    expect(await redrive({ limit: 1, dry_run: true })).toMatchObject({ redriven: 1, remaining: 1 })
    await problemOf(
      await limited.service.post(`${PATH}/all/redrive`, {}, limited.voice),
      "validation-failed",
      422,
    )
    const edit = (id: string) =>
      limited.service.post(`${PATH}/all/redrive-edited`, { id, payload: { edited: true } }, limited.voice)
    expect((await edit("u1")).status).toBe(404)
    expect(await redrive({ all: true })).toEqual({ redriven: 2, remaining: 0, dry_run: false })
    expect(await limited.idsLeft()).toEqual(["labelled", "u1"])
  })

  test("never include events that the disk changed, whatever their routing key is now", async () => {
    const limited = await withDeadLetters()
    await using _ = limited.service
    const led = "UPDATE events SET body = replace(body, 'events.user.', 'events.voice.')"
    changeRows(limited.service.dataDir, led)
    const counts = (await json(await get(limited, PATH)))["queues"]
    expect(counts).toContainEqual({ queue_name: "all", dead_letter_count: 2 })
    expect(await json(await get(limited, `${PATH}/all`))).toMatchObject({
      count: 2,
      dead_letters: [{ event: { id: "v1" } }, { event: { id: "v2" } }],
    })
    expect(await json(await remove(limited, "all=true"))).toEqual({ purged: 2, remaining: 0, dry_run: false })
    expect(await limited.idsLeft()).toEqual(["labelled", "u1"])
  })

  test("are purged without others", async () => {
    const limited = await withDeadLetters()
    await using _ = limited.service
    expect(await json(await remove(limited, "ids=u1,labelled"))).toEqual({
      purged: 0,
      remaining: 2,
      dry_run: false,
    })
    await problemOf(await remove(limited, ""), "validation-failed", 422)
    expect(await json(await remove(limited, "limit=1"))).toEqual({ purged: 1, remaining: 1, dry_run: false })
    expect(await json(await remove(limited, "all=true"))).toEqual({ purged: 1, remaining: 0, dry_run: false })
    expect(await limited.idsLeft()).toEqual(["labelled", "u1"])
  })
})

test("a limited key can't delete, purge or unbind any queue, even one within its reach", async () => {
  const { service, voice, anybody } = await limitedService()
  await using _ = service
  await service.engine.declareQueues([queueDeclaration("old", { bindings: ["events.voice.#"] })])
  const ask = (headers: Record<string, string>, method: string, path: string) =>
    fetch(`${service.url}/api/v1/queues/old${path}`, { method, headers })
  for (const [method, path] of [
    ["POST", "/purge"],
    ["POST", "/unbind"],
    ["DELETE", "?force=true"],
  ] as const) {
    await problemOf(await ask(voice, method, path), "forbidden", 403)
    expect((await ask(anybody, method, path)).status).toBe(200)
  }
})

/**
 * The rule for a limited key at each route that takes a key. A route that shows or moves events has to check
 * the reach.
 */
const ROUTES: Readonly<Record<string, "limited by reach" | "tells no events" | "refused">> = {
  "get /api/v1/dead-letters": "limited by reach",
  "get /api/v1/dead-letters/{queue}": "limited by reach",
  "delete /api/v1/dead-letters/{queue}": "limited by reach",
  "post /api/v1/dead-letters/{queue}/redrive": "limited by reach",
  "post /api/v1/dead-letters/{queue}/purge": "limited by reach",
  "post /api/v1/dead-letters/{queue}/redrive-edited": "limited by reach",
  "post /api/v1/events": "limited by reach",
  "post /api/v1/events/batch": "limited by reach",
  "get /api/v1/events/stream": "limited by reach",
  "get /api/v1/events/outcomes": "refused",
  "get /api/v1/events": "limited by reach",
  "get /api/v1/events/{id}": "limited by reach",
  "post /api/v1/replays": "limited by reach",
  "get /api/v1/replays": "refused",
  "get /api/v1/replays/{id}": "refused",
  "delete /api/v1/replays/{id}": "refused",
  "post /api/v1/replays/{id}/resume": "refused",
  "post /api/v1/events/queues/{queue}/pause": "limited by reach",
  "post /api/v1/events/queues/{queue}/resume": "limited by reach",
  "post /api/v1/schemas/{type}/{name}/validate": "limited by reach",
  "delete /api/v1/queues/{queue}": "refused",
  "post /api/v1/queues/{queue}/purge": "refused",
  "post /api/v1/queues/{queue}/unbind": "refused",
  "get /api/v1/queues": "tells no events",
  "get /api/v1/queues/{queue}": "tells no events",
  "get /api/v1/events/queues": "tells no events",
  "get /api/v1/events/types": "tells no events",
  "get /api/v1/events/stats": "tells no events",
  "get /api/v1/schemas": "tells no events",
  "get /api/v1/schemas/{type}/{name}": "tells no events",
  "get /asyncapi.json": "tells no events",
  "get /metrics": "tells no events",
  "get /api/v1/me": "tells no events",
  "get /api/v1/overview": "tells no events",
  "get /api/v1/modules": "tells no events",
  "post /api/v1/modules/reload": "refused",
}

test("every route that takes a key has a rule for limited keys: limited by reach, tells no events, or refused", async () => {
  await using service = await HttpService.start()
  const { paths } = (await (await service.get("/openapi.json")).json()) as {
    readonly paths: Record<string, Record<string, { readonly security: readonly unknown[] }>>
  }
  const guarded = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { security }]) =>
      security.length > 0 ? [`${method} ${path}`] : [],
    ),
  )
  expect(guarded.toSorted()).toEqual(Object.keys(ROUTES).toSorted())
})
