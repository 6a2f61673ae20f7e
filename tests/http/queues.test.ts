import { describe, expect, spyOn, test } from "bun:test"
import { HttpService } from "../support/http-service.ts"
import { Inbox } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { problemOf } from "../support/problem-of.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"

const AUDIT = "/api/v1/queues/audit"

/** Starts a service with a queue that no handler module names. */
async function withOrphan(): Promise<HttpService> {
  const service = await HttpService.start()
  await service.engine.declareQueues([queueDeclaration("audit", { bindings: ["audit.#"] })])
  return service
}

/** Returns all queues as they are listed, without ages, which grow. */
async function queuesOf(service: HttpService): Promise<unknown> {
  const text = await (await service.get("/api/v1/queues")).text()
  return JSON.parse(text, (name, value) => (name === "oldest_waiting_age" ? undefined : value))
}

const publish = (service: HttpService) => service.engine.publish(newEvent({ routing_key: "audit.x" }))

describe("every queue", () => {
  test("is listed with its state, orphaned or not", async () => {
    await using service = await withOrphan()
    await publish(service)
    const { queues } = (await (await service.get("/api/v1/queues")).json()) as { queues: { name: string }[] }
    expect(queues).toHaveLength(6)
    const audit = {
      name: "audit",
      bindings: ["audit.#"],
      waiting: 1,
      queued: 1,
      running: 0,
      retrying: 0,
      oldest_waiting_age: expect.any(Number),
      dead_letters: 0,
      consumers: 0,
      max_length: 1_000_000,
      overflow: "reject-publish",
      has_module: false,
      is_paused: false,
      is_busy: false,
      is_orphaned: true,
    }
    expect(queues.at(-1)).toEqual(audit)
    expect(await (await service.get(AUDIT)).json()).toEqual(audit)
    const voice = await (await service.get("/api/v1/queues/voice_events")).json()
    expect(voice).toMatchObject({ has_module: true, is_orphaned: false })
    await problemOf(await service.get("/api/v1/queues/none"), "not-found", 404)
  })
})

describe("DELETE of a queue", () => {
  test("deletes an empty orphaned queue, and its bindings", async () => {
    await using service = await withOrphan()
    const answer = await service.delete(AUDIT)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ queue: "audit", events: 0, dead_letters: 0 })
    const draft = { type: "custom", name: "x", routing_key: "audit.x", payload: {} }
    await problemOf(await service.post("/api/v1/events", draft), "unroutable", 422)
    await problemOf(await service.delete(AUDIT), "not-found", 404)
  })

  test("deletes a queue with events only with force", async () => {
    await using service = await withOrphan()
    await publish(service)
    for (const query of ["", "?force=false"]) {
      const { detail } = await problemOf(await service.delete(AUDIT + query), "queue-not-empty", 409)
      expect(detail).toContain("1 event and 0 dead letters")
    }
    for (const query of ["?force=yes", "?force=true&force=true", "?all=true"]) {
      await problemOf(await service.delete(AUDIT + query), "validation-failed", 422)
    }
    expect(await (await service.delete(`${AUDIT}?force=true`)).json()).toMatchObject({ events: 1 })
  })

  test("deletes neither a predefined nor a consumed queue", async () => {
    await using service = await withOrphan()
    const predefined = await service.delete("/api/v1/queues/voice_events?force=true")
    expect((await problemOf(predefined, "queue-in-use", 409)).detail).toContain("predefined")
    const inbox = new Inbox(service.engine, "audit")
    await problemOf(await service.delete(`${AUDIT}?force=true`), "queue-in-use", 409)
    await problemOf(await service.postRaw(`${AUDIT}/unbind`, "", {}), "queue-in-use", 409)
    await publish(service)
    await (await inbox.next()).ack()
  })
})

test("POST …/purge deletes the waiting events of any queue", async () => {
  await using service = await withOrphan()
  for (let n = 0; n < 3; n++) await publish(service)
  const answer = await service.postRaw(`${AUDIT}/purge`, "", {})
  expect(await answer.json()).toEqual({ queue: "audit", purged: 3, dry_run: false })
  const empty = await service.postRaw("/api/v1/queues/voice_events/purge", "", {})
  expect(await empty.json()).toEqual({ queue: "voice_events", purged: 0, dry_run: false })
  await problemOf(await service.postRaw("/api/v1/queues/none/purge", "", {}), "not-found", 404)
})

test("every change of an unknown queue names the one that was probably meant", async () => {
  await using service = await withOrphan()
  const path = "/api/v1/queues/audi"
  const changes = [
    `/api/v1/events/queues/audi/pause`,
    `/api/v1/events/queues/audi/resume`,
    `${path}/purge`,
    `${path}/unbind`,
  ]
  for (const response of [
    ...(await Promise.all(changes.map((each) => service.postRaw(each, "", {})))),
    await service.delete(path),
    await service.get(path),
  ]) {
    const { detail } = await problemOf(response, "not-found", 404)
    expect(detail).toBe('There is no queue "audi"; did you mean audit?')
  }
})

test("a dry run of a purge counts, and deletes nothing", async () => {
  await using service = await withOrphan()
  for (let n = 0; n < 3; n++) await publish(service)
  const answer = await service.postRaw(`${AUDIT}/purge?dry_run=true`, "", {})
  expect(await answer.json()).toEqual({ queue: "audit", purged: 3, dry_run: true })
  expect(await (await service.get(AUDIT)).json()).toMatchObject({ waiting: 3 })
})

test.each([
  `${AUDIT}/purge?dryrun=true`,
  `${AUDIT}/purge?dry_run=yes`,
  `${AUDIT}/unbind?dry_run=true`,
  "/api/v1/events/queues/voice_events/pause?dry_run=true",
  "/api/v1/dead-letters/audit/redrive?dry_run=true",
])("a change rejects an unknown parameter, and changes nothing: POST %s", async (path) => {
  await using service = await withOrphan()
  await publish(service)
  const before = await queuesOf(service)
  const body = path.includes("redrive") ? { all: true } : {}
  const { errors } = await problemOf(await service.post(path, body), "validation-failed", 422)
  expect(errors).toHaveLength(1)
  expect(await queuesOf(service)).toEqual(before)
})

test("an unknown parameter is rejected with the one that was meant", async () => {
  await using service = await withOrphan()
  const { errors } = await problemOf(
    await service.post(`${AUDIT}/purge?dry_runn=true`, {}),
    "validation-failed",
    422,
  )
  expect(errors).toEqual([{ parameter: "dry_runn", message: "is unknown here; did you mean dry_run?" }])
})

test("POST …/unbind leaves an orphaned queue its events, and routes no more to it", async () => {
  await using service = await withOrphan()
  await publish(service)
  const answer = await service.postRaw(`${AUDIT}/unbind`, "", {})
  expect(await answer.json()).toEqual({ queue: "audit", unbound: ["audit.#"] })
  expect(await (await service.get(AUDIT)).json()).toMatchObject({
    bindings: [],
    waiting: 1,
    is_orphaned: true,
  })
  await expect(publish(service)).rejects.toMatchObject({ code: "unroutable" })
})

describe("while the queues of other instances are not read yet", () => {
  test.each([
    ["GET", "/api/v1/queues/own_queue"],
    ["DELETE", "/api/v1/queues/own_queue"],
    ["POST", "/api/v1/queues/own_queue/unbind"],
    ["POST", "/api/v1/queues/own_queue/purge?dry_run=true"],
    ["POST", "/api/v1/events/queues/own_queue/pause"],
  ])("a queue that is not known is not called unknown: %s %s", async (method, path) => {
    await using service = await withOrphan()
    spyOn(service.engine.queueAdministration, "knowledge").mockResolvedValue("unread")
    const response = await fetch(service.url + path, { method })
    expect(response.headers.get("Retry-After")).toBe("1")
    await problemOf(response, "starting", 503)
    expect((await service.get(AUDIT)).status).toBe(200)
  })

  test("the list says that it may not have all", async () => {
    await using service = await withOrphan()
    const list = async () => await (await service.get("/api/v1/queues")).json()
    expect(await list()).toMatchObject({ is_complete: true })
    spyOn(service.engine.queueAdministration, "knowledge").mockResolvedValue("unread")
    expect(await list()).toMatchObject({ is_complete: false, queues: expect.any(Array) })
  })
})
