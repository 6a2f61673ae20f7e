import { expect } from "bun:test"
import type { RunningService, ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { upTo } from "./journal.ts"

/** A module that notes when its calls begin and end. */
const noting = (folder: ServiceFolder, options: string, body: string): string =>
  `export default { queue: "custom_events", ${options} on: {
    async numbered(event, ctx) {
      ${folder.journal('"begin"')}
      try { ${body} } finally { ${folder.journal('"end"')} }
    },
  } }`

/** Returns the most calls that ran at a time, from the lines in the order in which they were written. */
function mostAtOnce(folder: ServiceFolder): number {
  let [now, most] = [0, 0]
  for (const line of folder.journalLines()) {
    if (line === "begin") now++
    if (line === "end") now--
    most = Math.max(most, now)
  }
  return most
}

const ended = (folder: ServiceFolder): number => folder.journalLines().filter((line) => line === "end").length

async function publishAll(service: RunningService, name: string, type: string, count: number): Promise<void> {
  const events = upTo(count).map((n) => ({
    type,
    name,
    payload: { n },
    priority: type === "custom" ? "critical" : "low",
  }))
  expect((await service.post("/api/v1/events/batch", { events })).status).toBe(201)
}

export const concurrencyCases: readonly DeliveryCase[] = [
  {
    title: "a module has no more calls at a time than it allows, while another goes on at full rate",
    async run({ folder, start }) {
      folder.write("handlers/limited.ts", noting(folder, "concurrency: 2,", "await Bun.sleep(20)"))
      folder.write(
        "handlers/free.ts",
        `export default { queue: "user_events", on: { quick() { ${folder.journal('"quick"')} } } }`,
      )
      const service = await start()
      await publishAll(service, "numbered", "custom", 200)
      await publishAll(service, "quick", "user", 500)
      await waitUntil(
        () => folder.journalLines().filter((line) => line === "quick").length === 500,
        "the others",
      )
      expect(ended(folder)).toBeLessThan(200)
      await waitUntil(() => ended(folder) === 200, "every call")
      expect(mostAtOnce(folder)).toBe(2)
    },
  },
  {
    title: "the limit holds across a reload and failed attempts",
    async run({ folder, start }) {
      const body = (version: number) =>
        `await Bun.sleep(10)
        if (event.payload.n % 10 === 3 && ctx.attempt === 1) throw new Error("once, in version ${version}")`
      const options = "concurrency: 3, retry: { attempts: 5, backoff: { initial: 10 } },"
      folder.write("handlers/limited.ts", noting(folder, options, body(1)))
      const service = await start()
      await publishAll(service, "numbered", "custom", 100)
      await waitUntil(() => ended(folder) > 10, "some calls")
      folder.write("handlers/limited.ts", noting(folder, options, body(2)))
      expect((await service.post("/api/v1/modules/reload", {})).status).toBe(200)
      await waitUntil(() => ended(folder) >= 110, "every call")
      expect(mostAtOnce(folder)).toBe(3)
      expect((await service.get("/api/v1/modules")).body).toMatchObject({
        modules: [{ file: "limited.ts", concurrency: 3 }],
      })
    },
  },
  {
    title: "a batch counts as one call",
    async run({ folder, start }) {
      const options = "concurrency: 1, batch: { size: 10, wait: 20 },"
      folder.write("handlers/limited.ts", noting(folder, options, "await Bun.sleep(10)"))
      const service = await start()
      await publishAll(service, "numbered", "custom", 100)
      await waitUntil(async () => {
        const { body } = await service.get("/api/v1/queues/custom_events")
        return (body as { readonly waiting: number }).waiting === 0 && ended(folder) >= 10
      }, "every batch")
      expect(mostAtOnce(folder)).toBe(1)
    },
  },
]
