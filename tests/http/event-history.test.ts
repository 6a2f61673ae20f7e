import { describe, expect, test } from "bun:test"
import { SCOPES } from "../../src/http/access/scope.ts"
import { attempt } from "../support/facts.ts"
import { HttpService } from "../support/http-service.ts"
import { KeysFile } from "../support/keys-file.ts"
import { newEvent } from "../support/new-event.ts"
import { problemOf } from "../support/problem-of.ts"
import { waitUntil } from "../support/wait-until.ts"

interface List {
  readonly count: number
  readonly events: readonly { readonly id: string; readonly queues: readonly { readonly state: string }[] }[]
  readonly cursor: string | null
}

const listOf = async (service: HttpService, query: string, headers = {}): Promise<List> => {
  const response = await fetch(`${service.url}/api/v1/events?${query}`, { headers })
  expect(response.status).toBe(200)
  return (await response.json()) as List
}

const idsOf = async (service: HttpService, query: string): Promise<readonly string[]> =>
  (await listOf(service, query)).events.map(({ id }) => id)

/** A service with a few events, of which `call` is handled. */
async function filled(options: Parameters<typeof HttpService.start>[0] = {}): Promise<HttpService> {
  const service = await HttpService.start({ ...options, hasHistory: true })
  const publish = (draft: object, routingKey: string) =>
    service.engine.publish(newEvent({ ...draft, routing_key: routingKey }))
  await publish({ id: "call", type: "voice", name: "ended", ordering_key: "c-1" }, "events.voice.ended")
  await publish({ id: "a/b ü", type: "user", name: "login", payload: { text: "Grüße" } }, "events.user.login")
  await publish({ id: "alert", type: "voice", name: "alert" }, "events.voice.alert")
  const { promise, resolve } = Promise.withResolvers<void>()
  const subscription = service.engine.consume("voice_events", {
    prefetch: 1,
    onDelivery(delivery) {
      const fact = attempt("call", { at: Date.now(), queue: "voice_events" })
      if (delivery.body.includes('"id":"call"')) void delivery.ack(fact).then(resolve)
      else void delivery.release()
    },
  })
  await promise
  await subscription.cancel()
  return service
}

describe("the list of events", () => {
  test("has the newest first, and every filter narrows it", async () => {
    await using service = await filled()
    expect(await idsOf(service, "")).toEqual(["alert", "a/b ü", "call"])
    expect(await idsOf(service, "order=oldest&limit=2")).toEqual(["call", "a/b ü"])
    expect(await idsOf(service, "type=voice&name=ended,alert")).toEqual(["alert", "call"])
    expect(await idsOf(service, "queue=voice_events&state=handled")).toEqual(["call"])
    expect(await idsOf(service, "status=pending")).toEqual(["alert", "a/b ü"])
    expect(await idsOf(service, "ordering_key=c-1")).toEqual(["call"])
    expect(await idsOf(service, `text=${encodeURIComponent("Grüße")}`)).toEqual(["a/b ü"])
    expect(await idsOf(service, "text=nowhere")).toEqual([])
    expect(await idsOf(service, `until=${Date.now() / 1_000 - 3_600}`)).toEqual([])
    expect(await idsOf(service, `since=${new Date(Date.now() - 3_600_000).toISOString()}`)).toHaveLength(3)
    expect(await idsOf(service, "since=2026-02-28")).toHaveLength(3)
  })

  test("goes on at its cursor, also after new events", async () => {
    await using service = await filled()
    const first = await listOf(service, "limit=2")
    expect(first.events.map(({ id }) => id)).toEqual(["alert", "a/b ü"])
    await service.engine.publish(
      newEvent({ id: "late", type: "voice", name: "x", routing_key: "events.voice.x" }),
    )
    const next = await listOf(service, `limit=2&cursor=${first.cursor}`)
    expect([next.events.map(({ id }) => id), next.cursor]).toEqual([["call"], null])
  })

  test.each([
    ["since=yesterday", "since"],
    ["since=2026-02-30", "since"],
    ["until=2026-02-30T10:00:00Z", "until"],
    ["until=2026-02-28T10:00", "until"],
    ["state=running", "state"],
    ["type=phone", "type"],
    ["limit=1001", "limit"],
    ["limit=0", "limit"],
    ["cursor=abc", "cursor"],
    ["order=best", "order"],
    ["color=red", "color"],
  ])("refuses the query %s, and names the parameter", async (query, parameter) => {
    await using service = await filled()
    const response = await fetch(`${service.url}/api/v1/events?${query}`)
    const { errors } = await problemOf(response, "validation-failed", 422)
    expect(errors).toMatchObject([{ parameter }])
  })
})

describe("an event", () => {
  test("is found by any id, percent-encoded", async () => {
    await using service = await filled()
    const response = await service.get(`/api/v1/events/${encodeURIComponent("a/b ü")}`)
    expect(await response.json()).toMatchObject({
      id: "a/b ü",
      status: "pending",
      event: { payload: { text: "Grüße" } },
      queues: [{ queue: "user_events", state: "waiting", timeline: [{ what: "published" }] }],
    })
  })

  test("that is unknown is 404, and says how long events are kept", async () => {
    await using service = await filled()
    const { detail } = await problemOf(await service.get("/api/v1/events/nobody"), "not-found", 404)
    expect(detail).toContain("HISTORY_RETENTION")
  })
})

test("a limited key sees, lists and replays the events within its reach, and no others", async () => {
  using keys = new KeysFile([
    { name: "voice", scope: [...SCOPES], type: ["voice"] },
    { name: "anybody", scope: [...SCOPES] },
  ])
  await using service = await filled({ keys: keys.ring })
  const [voice, anybody] = [keys.bearer("voice"), keys.bearer("anybody")]
  expect((await listOf(service, "", voice)).events.map(({ id }) => id)).toEqual(["alert", "call"])
  const path = `${service.url}/api/v1/events/${encodeURIComponent("a/b ü")}`
  expect((await fetch(path, { headers: anybody })).status).toBe(200)
  await problemOf(await fetch(path, { headers: voice }), "not-found", 404)
  // The cursor of another key shows nothing more.
  const { cursor } = await listOf(service, "limit=1", anybody)
  expect((await listOf(service, `cursor=${cursor}`, voice)).events.map(({ id }) => id)).toEqual(["call"])
  const replay = (order: object) => service.post("/api/v1/replays", order, voice)
  await problemOf(await replay({ queue: "user_events", all: true }), "forbidden", 403)
  const counted = await replay({ queue: "voice_events", all: true, dry_run: true })
  expect(await counted.json()).toEqual({ selected: 2, dry_run: true })
  const byId = await replay({ queue: "voice_events", ids: ["a/b ü", "call"], dry_run: true })
  expect(await byId.json()).toEqual({ selected: 1, dry_run: true })
})

test("a replay selects what a binding of its queue matches, unless the request says otherwise", async () => {
  await using service = await filled()
  const selectedBy = async (order: object) => {
    const answer = await service.post("/api/v1/replays", { all: true, dry_run: true, ...order })
    return ((await answer.json()) as { readonly selected: number }).selected
  }
  expect(await selectedBy({ queue: "user_events" })).toBe(1)
  expect(await selectedBy({ queue: "user_events", any_topic: true })).toBe(3)
})

describe("a replay", () => {
  test("needs one way to select, and an existing queue", async () => {
    await using service = await filled()
    const replay = (order: object) => service.post("/api/v1/replays", order)
    await problemOf(await replay({ queue: "voice_events" }), "validation-failed", 422)
    await problemOf(
      await replay({ queue: "voice_events", all: true, ids: ["call"] }),
      "validation-failed",
      422,
    )
    await problemOf(
      await replay({ queue: "voice_events", all: true, names: ["x"] }),
      "validation-failed",
      422,
    )
    await problemOf(await replay({ queue: "voice_events", all: true, rate: 0 }), "validation-failed", 422)
    await problemOf(await replay({ queue: "voice", all: true }), "not-found", 404)
    await problemOf(await service.get("/api/v1/replays/none"), "not-found", 404)
  })

  test("puts the event on its queue alone, once more, and is in the history of the event", async () => {
    await using service = await filled()
    const response = await service.post("/api/v1/replays", { queue: "custom_events", ids: ["call", "gone"] })
    const { id } = (await response.json()) as { readonly id: string }
    await waitUntil(async () => {
      const replay = (await (await service.get(`/api/v1/replays/${id}`)).json()) as { readonly state: string }
      return replay.state === "done"
    }, "the end of the replay")
    const replay = await (await service.get(`/api/v1/replays/${id}`)).json()
    expect(replay).toMatchObject({ selected: 1, replayed: 1, missing: 1, reason: null })
    const event = await (await service.get("/api/v1/events/call")).json()
    expect(event).toMatchObject({
      status: "processing",
      queues: [
        { queue: "custom_events", state: "waiting", timeline: [{ what: "replayed", replay: id }] },
        { queue: "voice_events", state: "handled" },
      ],
    })
    await problemOf(await service.post(`/api/v1/replays/${id}/resume`, {}), "replay-conflict", 409)
  })
})
