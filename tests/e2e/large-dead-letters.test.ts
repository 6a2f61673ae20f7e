import { afterAll, beforeAll, expect, test } from "bun:test"
import { peakMemory } from "../support/peak-memory.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const COUNT = 250
const BATCH = 15
const LETTER_LENGTH = 900_000
const PATH = "/api/v1/dead-letters/custom_events"

/** Memory beyond what the service needs when idle; the dead letters together have 215 MiB. */
const MORE_MEMORY_MIB = 150

interface Shown {
  readonly count: number
  readonly dead_letters: readonly { readonly event: { readonly id: string } }[]
  readonly cursor: string | null
}

let folder: ServiceFolder

beforeAll(async () => {
  folder = new ServiceFolder()
  folder.write("handlers/none.ts", `export default { queue: "custom_events", on: { other() {} } }`)
  const service = await folder.start()
  const text = "x".repeat(LETTER_LENGTH)
  for (let sent = 0; sent < COUNT; sent += BATCH) {
    const events = Array.from({ length: Math.min(BATCH, COUNT - sent) }, (_, n) => ({
      id: `event-${sent + n}`,
      type: "custom",
      name: "large",
      payload: { text },
    }))
    expect((await service.post("/api/v1/events/batch", { events })).status).toBe(201)
  }
  await waitUntil(async () => (await deadLetterCount(service)) === COUNT, "the dead letters", 120_000)
  await service.stop()
}, 180_000)

afterAll(() => folder[Symbol.asyncDispose]())

async function deadLetterCount(service: RunningService): Promise<number> {
  const { body } = await service.get("/api/v1/dead-letters")
  const { queues } = body as { queues: { queue_name: string; dead_letter_count: number }[] }
  return queues.find(({ queue_name }) => queue_name === "custom_events")?.dead_letter_count ?? 0
}

/** How many requests are answered while a promise is pending. */
async function answeredDuring(service: RunningService, pending: Promise<unknown>): Promise<number> {
  let isPending = true
  const ended = () => {
    isPending = false
  }
  pending.then(ended, ended)
  let answered = 0
  while (isPending) {
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200)
    answered++
  }
  return answered
}

test("a list of large dead letters is limited in bytes, and its cursors reach all of them", async () => {
  const service = await folder.start()
  await service.get("/health/live")
  const before = peakMemory(service.pid)
  const ids: string[] = []
  let cursor: string | null = null
  do {
    const query = cursor === null ? "" : `&cursor=${cursor}`
    const response = await fetch(`${service.url}${PATH}?limit=1000${query}`)
    const text = await response.text()
    expect(text.length).toBeLessThan(11_000_000)
    const shown = JSON.parse(text) as Shown
    expect(shown.count).toBe(shown.dead_letters.length)
    ids.push(...shown.dead_letters.map(({ event }) => event.id))
    cursor = shown.cursor
  } while (cursor !== null)
  expect(ids).toHaveLength(COUNT)
  expect(new Set(ids).size).toBe(COUNT)
  expect(peakMemory(service.pid) - before).toBeLessThan(MORE_MEMORY_MIB)
  await service.stop()
}, 180_000)

test("other requests are answered while large dead letters are counted, redriven and purged", async () => {
  const service = await folder.start()
  await service.get("/health/live")
  const before = peakMemory(service.pid)
  const redrive = (body: unknown) => service.post(`${PATH}/redrive`, body)
  const counting = redrive({ name: "large", dry_run: true })
  // At least one per ten dead letters. Unlike a duration, this holds on a busy machine too.
  expect(await answeredDuring(service, counting)).toBeGreaterThan(COUNT / 10)
  expect(await (await counting).json()).toMatchObject({ redriven: COUNT, remaining: 0 })
  const redriving = redrive({ limit: 50 })
  expect(await answeredDuring(service, redriving)).toBeGreaterThan(5)
  expect(await (await redriving).json()).toMatchObject({ redriven: 50 })
  const purging = fetch(`${service.url}${PATH}?limit=150`, { method: "DELETE" })
  expect(await answeredDuring(service, purging)).toBeGreaterThan(15)
  expect(await (await purging).json()).toMatchObject({ purged: 150 })
  expect(peakMemory(service.pid) - before).toBeLessThan(MORE_MEMORY_MIB)
}, 180_000)
