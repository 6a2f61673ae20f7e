import { expect } from "bun:test"
import type { RunningService, ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { entriesOf, note, upTo } from "./journal.ts"

/** Small enough that all slow events together take minutes. */
const SMALL_POOL = { WORKER_POOL_SIZE: "2", WORKER_PREFETCH_COUNT: "2" }
const RUNNING = 4
const MANY = 5_000
const PER_BATCH = 1_000
const CRITICAL = -1

async function publishLow(service: RunningService, count: number): Promise<void> {
  for (let from = 0; from < count; from += PER_BATCH) {
    const numbers = upTo(Math.min(PER_BATCH, count - from))
    const events = numbers.map((n) => ({
      type: "custom",
      name: "slow",
      priority: "low",
      payload: { n: from + n },
    }))
    expect((await service.post("/api/v1/events/batch", { events })).status).toBe(201)
  }
}

/** Counts the events that began between the confirm of a critical event and its own beginning. */
async function overtakenBy(folder: ServiceFolder, service: RunningService): Promise<number> {
  await waitUntil(() => entriesOf(folder).length >= 8, "some events")
  await service.publish({ name: "slow", priority: "critical", payload: { n: CRITICAL } })
  const before = entriesOf(folder).length
  const place = () => entriesOf(folder).findIndex(({ n }) => n === CRITICAL)
  await waitUntil(() => place() >= 0, "the critical event")
  return place() - before
}

const slow = (folder: ServiceFolder, work: string) =>
  folder.write(
    "handlers/slow.ts",
    `export default { queue: "custom_events", on: { async slow(event) { ${note(folder, "begun")}; ${work} } } }`,
  )

async function prioritiesOf(service: RunningService): Promise<string> {
  const { body } = await service.get("/health/rabbitmq")
  const { capabilities } = body as { readonly capabilities?: { readonly priorities: string } }
  return capabilities?.priorities ?? "strict"
}

export const priorityCases: readonly DeliveryCase[] = [
  {
    title: "a critical event behind 5,000 low ones is the next to begin, as far as the engine orders",
    async run({ folder, start }) {
      slow(folder, "await Bun.sleep(50)")
      const service = await start(SMALL_POOL)
      await publishLow(service, MANY)
      const priorities = await prioritiesOf(service)
      const warnings = service.log.filter(({ msg }) => msg.includes("do not order by priority"))
      expect(warnings.length).toBe(priorities === "none" ? 1 : 0)
      // Without an order it comes last, after a minute.
      if (priorities === "none") return
      // Each running event may end, and the next one begin, before the critical event is delivered.
      expect(await overtakenBy(folder, service)).toBeLessThanOrEqual(RUNNING)
    },
  },
  {
    title: "functions that keep their worker busy do not delay a critical event that it was given",
    async run({ folder, start }) {
      slow(folder, "Bun.sleepSync(100)")
      const service = await start({ WORKER_POOL_SIZE: "1", WORKER_PREFETCH_COUNT: "20" })
      await publishLow(service, 200)
      if ((await prioritiesOf(service)) === "none") return
      // The running event, and those that begin before its place is filled, which are more on a busy machine. Without
      // an order in the worker, all of the 19 others there would come first.
      expect(await overtakenBy(folder, service)).toBeLessThanOrEqual(10)
    },
  },
]
