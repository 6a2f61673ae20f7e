import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 180_000

/** Events of a history, and those of them that are replayed. */
const EVENTS = 6_000
const BATCH = 1_000
const SELECTED = 2_000

interface Replay {
  readonly id: string
  readonly state: string
  readonly selected: number
  readonly replayed: number
  readonly began_at: number
  readonly ended_at: number | null
}

/** Notes each replayed event, with its time and its replay. */
const handlerOf = (folder: ServiceFolder): string =>
  `export default {
    queue: "custom_events",
    on: {
      async numbered(event, ctx) {
        if (ctx.replay !== null) ${folder.journal('[event.id, event.timestamp, ctx.replay].join(" ")')}
      },
    },
  }`

/** Publishes numbered events in order. Resolves when the middle of them are published, and their window of time is known. */
async function fill(service: RunningService): Promise<{ readonly since: number; readonly until: number }> {
  let since = 0
  let until = 0
  for (let n = 0; n < EVENTS; n += BATCH) {
    if (n === (EVENTS - SELECTED) / 2) since = await apart()
    if (n === (EVENTS + SELECTED) / 2) until = await apart()
    const events = Array.from({ length: BATCH }, (_, at) => ({
      id: `e-${n + at}`,
      type: "custom",
      name: "numbered",
      payload: { n: n + at },
    }))
    expect((await service.post("/api/v1/events/batch", { events })).status).toBe(201)
  }
  return { since, until }
}

/** Returns a time, in seconds, that lies between everything before and everything after. */
async function apart(): Promise<number> {
  await Bun.sleep(5)
  const time = Date.now() / 1_000
  await Bun.sleep(5)
  return time
}

async function replayOf(service: RunningService, id: string): Promise<Replay> {
  return (await service.get(`/api/v1/replays/${id}`)).body as Replay
}

async function startReplay(service: RunningService, order: object): Promise<Replay> {
  const response = await service.post("/api/v1/replays", { queue: "custom_events", ...order })
  expect(response.status).toBe(202)
  return (await response.json()) as Replay
}

const ids = (from: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `e-${from + at}`)

test(
  "the events of a window of time are replayed, no others, in order, and not faster than asked",
  async () => {
    await using folder = new ServiceFolder()
    folder.write("handlers/numbered.ts", handlerOf(folder))
    const service = await folder.start({ WORKER_POOL_SIZE: "1", WORKER_PREFETCH_COUNT: "1" })
    const { since, until } = await fill(service)
    const counted = await service.post("/api/v1/replays", {
      queue: "custom_events",
      since,
      until,
      dry_run: true,
    })
    expect(await counted.json()).toEqual({ selected: SELECTED, dry_run: true })
    const rate = 1_000
    const { id } = await startReplay(service, { since, until, rate })
    await waitUntil(async () => (await replayOf(service, id)).state === "done", "the end of the replay")
    const { replayed, began_at: began, ended_at: ended } = await replayOf(service, id)
    expect(replayed).toBe(SELECTED)
    expect((ended ?? 0) - began).toBeGreaterThan((SELECTED / rate) * 0.95)
    await waitUntil(() => folder.journalLines().length >= SELECTED, "every replayed event to be handled")
    const lines = folder.journalLines().map((line) => line.split(" "))
    expect(lines.map(([event]) => event)).toEqual([...ids((EVENTS - SELECTED) / 2, SELECTED)])
    expect(lines.every(([, , replay]) => replay === id)).toBe(true)
    // They keep their time.
    expect(lines.every(([, time]) => Number(time) > since && Number(time) < until)).toBe(true)
  },
  TIMEOUT_MS,
)

test(
  "a replay that a kill interrupts says so, and is resumed where it was",
  async () => {
    await using folder = new ServiceFolder()
    folder.write("handlers/numbered.ts", handlerOf(folder))
    const first = await folder.start()
    const { since, until } = await fill(first)
    const { id } = await startReplay(first, { since, until, rate: 500 })
    await waitUntil(async () => (await replayOf(first, id)).replayed > SELECTED / 4, "a part of the replay")
    // Its progress is written every second.
    await waitUntil(
      async () => (await Bun.file(`${folder.path}/data/replays.json`).text()).includes('"done":'),
      "its progress to be written",
    )
    await Bun.sleep(1_100)
    await first.kill()
    const second = await folder.start()
    const interrupted = await replayOf(second, id)
    expect(interrupted.state).toBe("interrupted")
    expect(interrupted.replayed).toBeGreaterThan(0)
    expect(interrupted.replayed).toBeLessThan(SELECTED)
    expect(second.log.some(({ msg }) => msg.startsWith("replay interrupted"))).toBe(true)
    expect((await second.post(`/api/v1/replays/${id}/resume`, {})).status).toBe(200)
    await waitUntil(async () => (await replayOf(second, id)).state === "done", "the end of the replay")
    const handled = () => new Set(folder.journalLines().map((line) => line.split(" ")[0]))
    await waitUntil(() => handled().size >= SELECTED, "every selected event to be handled")
    expect([...handled()].toSorted()).toEqual([...ids((EVENTS - SELECTED) / 2, SELECTED)].toSorted())
    // At most the events of the last second come twice.
    expect(folder.journalLines().length).toBeLessThan(SELECTED + 2 * 500)
  },
  TIMEOUT_MS,
)

test(
  "a replay waits while its queue is full, can be aborted, and leaves nothing else on the queue",
  async () => {
    await using folder = new ServiceFolder()
    const service = await folder.start({ QUEUE_MAX_LENGTH: "50" })
    const response = await service.post("/api/v1/events/batch", {
      events: ids(0, 40).map((id) => ({ id, type: "custom", name: "numbered", payload: {} })),
    })
    expect(response.status).toBe(201)
    const { id } = await startReplay(service, { all: true, rate: 10_000 })
    await waitUntil(async () => {
      const { body } = await service.get(`/api/v1/replays/${id}`)
      return String((body as { readonly reason: string | null }).reason).includes("is full")
    }, "the replay to wait")
    expect((await replayOf(service, id)).replayed).toBe(10)
    const aborted = await fetch(`${service.url}/api/v1/replays/${id}`, { method: "DELETE" })
    expect(await aborted.json()).toMatchObject({ state: "aborted", replayed: 10, selected: 40 })
    const { body } = await service.get("/api/v1/queues/custom_events")
    expect(body).toMatchObject({ waiting: 50 })
  },
  TIMEOUT_MS,
)
