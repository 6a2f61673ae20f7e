import { expect, test } from "bun:test"
import { EventSource } from "../support/event-source.ts"
import { HttpService } from "../support/http-service.ts"
import { problemOf } from "../support/problem-of.ts"
import { waitUntil } from "../support/wait-until.ts"

const PATH = "/api/v1/events/stream"

const publish = async (service: HttpService, type: string, name: string, payload: object = {}) => {
  const response = await service.post("/api/v1/events", { type, name, payload })
  expect(response.status).toBe(201)
}

test("a client sees new events on its topics, each once, and no others", async () => {
  await using service = await HttpService.start()
  await publish(service, "voice", "before")
  using all = await EventSource.open(service.url + PATH)
  using some = await EventSource.open(
    `${service.url}${PATH}?topics=events.voice.*,events.voice.ended,events.user.%23`,
  )
  expect(some.head).toMatch(/^Content-Type: text\/event-stream$/im)
  await publish(service, "voice", "ended", { text: "größer\nnext" })
  await publish(service, "system", "started")
  await publish(service, "user", "login")
  await all.saw("login")
  await some.saw("login")
  expect(all.events.map(({ name }) => name)).toEqual(["ended", "started", "login"])
  expect(some.events.map(({ name }) => name)).toEqual(["ended", "login"])
  expect(some.events[0]).toMatchObject({
    type: "voice",
    status: "pending",
    payload: { text: "größer\nnext" },
  })
})

test("events are CloudEvents on request", async () => {
  await using service = await HttpService.start()
  using source = await EventSource.open(`${service.url}${PATH}?format=cloudevent`)
  await publish(service, "voice", "ended", { seconds: 3 })
  await waitUntil(() => source.events.length === 1, "an event")
  expect(source.events[0]).toMatchObject({ specversion: "1.0", type: "voice.ended", data: { seconds: 3 } })
})

test("a slow client learns how many events it missed, and the others miss none", async () => {
  await using service = await HttpService.start()
  using slow = await EventSource.open(service.url + PATH)
  using fast = await EventSource.open(service.url + PATH)
  slow.pause()
  const text = "x".repeat(100_000)
  const count = 200
  for (let index = 0; index < count; index++) {
    await publish(service, "custom", `e-${index}`, { text })
    await fast.saw(`e-${index}`)
  }
  slow.read()
  // The client receives the number of missed events before the next event.
  let later = 0
  await waitUntil(async () => {
    await publish(service, "custom", `later-${later++}`)
    return slow.events.some(({ name }) => name.startsWith("later-"))
  }, "the slow client to be served again")
  await waitUntil(() => slow.events.length + slow.missed === count + later, "every event to be accounted for")
  expect(slow.missed).toBeGreaterThan(0)
  await waitUntil(() => fast.events.length === count + later, "the fast client to have all events")
  expect(fast.missed).toBe(0)
}, 30_000)

test("a stream ends with its client, and with the service", async () => {
  const service = await HttpService.start()
  const left = await EventSource.open(service.url + PATH)
  expect(service.live.clientCount).toBe(1)
  left[Symbol.dispose]()
  await waitUntil(() => service.live.clientCount === 0, "the client to be gone")
  using stayed = await EventSource.open(service.url + PATH)
  await publish(service, "custom", "seen")
  await stayed.saw("seen")
  await service[Symbol.asyncDispose]()
  await waitUntil(() => stayed.hasEnded, "the stream to end")
})

test("an invalid topic or format is rejected", async () => {
  await using service = await HttpService.start()
  const problem = await problemOf(
    await service.get(`${PATH}?topics=&format=xml&from=1`),
    "validation-failed",
    422,
  )
  expect(problem.errors?.map(({ parameter }) => parameter)).toEqual(["topics", "format", "from"])
})

test("clients beyond the limit are rejected", async () => {
  await using service = await HttpService.start()
  const sources = await Promise.all(Array.from({ length: 1_000 }, () => EventSource.open(service.url + PATH)))
  await problemOf(await service.get(PATH), "too-many-in-flight", 429)
  for (const source of sources) source[Symbol.dispose]()
  await waitUntil(() => service.live.clientCount === 0, "the clients to be gone")
}, 30_000)

test("topics beyond the limit of all clients are rejected, with the reason", async () => {
  await using service = await HttpService.start()
  const topics = (client: number): string =>
    Array.from({ length: 20 }, (_, index) => `%23.${client}.%23.${index}${".a".repeat(110)}`).join(",")
  using _first = await EventSource.open(`${service.url}${PATH}?topics=events.%23`)
  const problem = await problemOf(await service.get(`${PATH}?topics=${topics(1)}`), "too-many-in-flight", 429)
  expect(problem.detail).toContain("far behind a #")
  expect(service.live.clientCount).toBe(1)
})
