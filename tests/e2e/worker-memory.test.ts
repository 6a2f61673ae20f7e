import { expect, test } from "bun:test"
import { upTo } from "../contract/delivery/journal.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const MIB = 1_048_576

test("a module that leaks is handled by ever new workers: each event once, and each worker tears down", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/leaks.ts",
    `const kept = []
    export default {
      queue: "custom_events", retry: { attempts: 1 },
      teardown() { ${folder.journal('"teardown"')} },
      on: {
        async leaks(event) {
          kept.push(new Uint8Array(${8 * MIB}).fill(1))
          await Bun.sleep(100)
          ${folder.journal("String(event.payload.n)")}
        },
      },
    }`,
  )
  const service = await folder.start({
    WORKER_POOL_SIZE: "1",
    WORKER_PREFETCH_COUNT: "2",
    WORKER_MEMORY: String(64 * MIB),
  })
  const replaced = () => service.log.filter(({ msg }) => msg.startsWith("the heap of a worker is larger"))
  const tornDown = () => folder.journalLines().filter((line) => line === "teardown").length
  const handled = () => folder.journalLines().filter((line) => line !== "teardown")
  const events = upTo(60).map((n) => ({ type: "custom", name: "leaks", payload: { n } }))
  expect((await service.post("/api/v1/events/batch", { events })).status).toBe(201)
  await waitUntil(() => handled().length >= events.length, "every event")
  await waitUntil(() => replaced().length >= 2 && tornDown() >= 2, "two workers to be replaced")
  expect(
    handled()
      .map(Number)
      .toSorted((a, b) => a - b),
  ).toEqual([...upTo(events.length)])
  expect(service.log.filter(({ level }) => level === "error")).toEqual([])
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  expect(metrics).toMatch(/^event_broker_worker_restarts_total\{cause="memory"\} ([2-9]|\d\d)$/m)
})
