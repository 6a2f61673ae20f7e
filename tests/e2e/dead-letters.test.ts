import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const MANY = 5_000
const BATCH = 1_000
const PATH = "/api/v1/dead-letters/custom_events"

interface Shown {
  readonly dead_letters: readonly {
    readonly event: { readonly id: string }
    readonly [field: string]: unknown
  }[]
}

const shownBy = async (service: RunningService, query = "") =>
  ((await service.get(PATH + query)).body as Shown).dead_letters

async function deadLetterCount(service: RunningService): Promise<number> {
  const { body } = await service.get("/api/v1/dead-letters")
  const { queues } = body as { queues: { queue_name: string; dead_letter_count: number }[] }
  return queues.find(({ queue_name }) => queue_name === "custom_events")?.dead_letter_count ?? 0
}

/** The handler fails while the file `broken` exists; otherwise it writes the event's id into the journal. */
function brokenFolder(): ServiceFolder {
  const folder = new ServiceFolder()
  folder.write("broken", "")
  folder.write(
    "handlers/fragile.ts",
    `import { existsSync } from "node:fs"
    export default {
      queue: "custom_events", retry: { attempts: 2, backoff: { initial: 1 } },
      on: {
        async counted(event) {
          if (existsSync("broken")) throw new Error("the database is away");
          ${folder.journal("event.id")}
        },
      },
    }`,
  )
  return folder
}

async function publishMany(service: RunningService, count: number): Promise<Set<string>> {
  const ids = Array.from({ length: count }, (_, n) => `event-${n}`)
  for (let sent = 0; sent < count; sent += BATCH) {
    const events = ids
      .slice(sent, sent + BATCH)
      .map((id) => ({ id, type: "custom", name: "counted", payload: {} }))
    expect((await service.post("/api/v1/events/batch", { events })).status).toBe(201)
  }
  return new Set(ids)
}

test("the dead letters of a failed module can be listed, and are handled after its repair and a redrive", async () => {
  await using folder = brokenFolder()
  const service = await folder.start()
  const ids = await publishMany(service, 3)
  await waitUntil(async () => (await deadLetterCount(service)) === 3, "the dead letters")
  const shown = await shownBy(service, "?reason=attempts-exhausted&name=counted")
  expect(new Set(shown.map(({ event }) => event.id))).toEqual(ids)
  expect(shown[0]).toMatchObject({
    queue: "custom_events",
    attempts: 2,
    module: "fragile.ts",
    error: { name: "Error", message: "the database is away" },
  })
  folder.remove("broken")
  const dryRun = await service.post(`${PATH}/redrive`, { all: true, dry_run: true })
  expect(await dryRun.json()).toMatchObject({ redriven: 3, remaining: 0 })
  expect(await deadLetterCount(service)).toBe(3)
  const redriven = await service.post(`${PATH}/redrive`, { name: "counted" })
  expect(await redriven.json()).toEqual({ redriven: 3, remaining: 0, dry_run: false })
  await waitUntil(() => folder.journalLines().length === 3, "the events to be handled")
  expect(new Set(folder.journalLines())).toEqual(ids)
})

test("a service that is killed during a redrive loses no event", async () => {
  await using folder = brokenFolder()
  const first = await folder.start()
  const ids = await publishMany(first, MANY)
  await waitUntil(async () => (await deadLetterCount(first)) === MANY, "the dead letters")
  folder.remove("broken")
  const redriving = first.post(`${PATH}/redrive`, { all: true }).catch(() => null)
  await waitUntil(() => folder.journalLines().length > 0, "the first to be handled")
  await first.kill()
  await redriving

  const second = await folder.start()
  const unhandled = () => ids.difference(new Set(folder.journalLines()))
  const isDeadOrHandled = async () => unhandled().size === (await deadLetterCount(second))
  await waitUntil(isDeadOrHandled, "every event to be handled, or a dead letter still")
  expect(unhandled().size).toBeGreaterThan(0)
  await second.post(`${PATH}/redrive`, { all: true })
  await waitUntil(() => unhandled().size === 0, "every event to be handled")
  expect(await deadLetterCount(second)).toBe(0)
}, 120_000)
