import { expect } from "bun:test"
import type { RunningService, ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import { CountedEvents, STATES } from "./counted-events.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { note, upTo } from "./journal.ts"

/** With few workers, most events wait for one. */
const FEW_WORKERS = { WORKER_POOL_SIZE: "2", WORKER_PREFETCH_COUNT: "3" }
const ROUNDS = 2
const EVENTS_PER_ROUND = 40
const OPEN_MS = 150

/** What a handler does at each attempt of an event. */
const ACTS = [["done"], ["done"], ["throw", "done"], ["throw", "throw", "throw"], ["dead"], ["slow"]] as const

const TYPES = ["custom", "user", "voice", "notification"] as const

/** A statement that holds a handler while the gate is closed. */
const held = (folder: ServiceFolder): string =>
  `while (process.getBuiltinModule("node:fs").existsSync(${JSON.stringify(`${folder.path}/closed`)})) await Bun.sleep(10)`

const RETRY = "retry: { attempts: 3, backoff: { initial: 1_000, factor: 1.5 } }"

/** Modules for three of the types. Nothing consumes notifications. */
function writeModules(folder: ServiceFolder): void {
  const one = `async planned(event, ctx) {
    ${held(folder)}
    const act = event.payload.acts[ctx.attempt - 1] ?? "done"
    if (act === "throw") throw new Error("as planned")
    if (act === "dead") return ctx.deadLetter("as planned")
    if (act === "slow") await Bun.sleep(50)
    ${note(folder, "done")}
  }`
  const several = `async planned(events, ctx) {
    ${held(folder)}
    const isDead = ({ payload }) => payload.acts[0] === "dead"
    for (const event of events) if (isDead(event)) ctx.deadLetter(event.id, "as planned")
    await Bun.sleep(10)
    ${held(folder)}
    for (const event of events) if (!isDead(event)) ${note(folder, "done")}
  }`
  folder.write("handlers/custom.ts", `export default { queue: "custom_events", ${RETRY}, on: { ${one} } }`)
  folder.write("handlers/user.ts", `export default { queue: "user_events", ${RETRY}, on: { ${one} } }`)
  const batch = "batch: { size: 3, wait: 20 }"
  folder.write("handlers/voice.ts", `export default { queue: "voice_events", ${batch}, on: { ${several} } }`)
}

const pick = <Item>(items: readonly Item[]): Item | undefined =>
  items[Math.floor(Math.random() * items.length)]

/** Makes events of all types. Those of users have one of three ordering keys. */
const randomEvents = (from: number): readonly Readonly<Record<string, unknown>>[] =>
  upTo(EVENTS_PER_ROUND).map((n) => {
    const type = pick(TYPES)
    const key = type === "user" ? { ordering_key: `k${n % 3}` } : {}
    return { type, name: "planned", payload: { n: from + n, acts: pick(ACTS) }, ...key }
  })

async function change(service: RunningService, queue: string, to: "pause" | "resume"): Promise<void> {
  expect((await service.post(`/api/v1/events/queues/${queue}/${to}`, {})).status).toBe(200)
}

async function redrive(service: RunningService, queue: string): Promise<void> {
  expect((await service.post(`/api/v1/dead-letters/${queue}/redrive`, { all: true })).status).toBe(200)
}

export const countCases: readonly DeliveryCase[] = [
  {
    title:
      "every event is in exactly one count, through retries, keys, batches, pauses, redrives, purges and a kill",
    async run({ folder, start }) {
      writeModules(folder)
      const events = new CountedEvents(folder, await start(FEW_WORKERS))
      for (const round of upTo(ROUNDS)) {
        folder.write("closed", "")
        await events.watch(events.publish(randomEvents(round * EVENTS_PER_ROUND)))
        await change(events.service, "custom_events", "pause")
        await events.areAllCounted()
        await change(events.service, "custom_events", "resume")
        for (const queue of ["custom_events", "user_events"]) await redrive(events.service, queue)
        await events.purge("notification_events")
        folder.remove("closed")
        await events.watch(Bun.sleep(OPEN_MS))
      }
      folder.write("closed", "")
      await events.areAllCounted()
      await events.service.kill()
      events.service = await start(FEW_WORKERS)
      await events.areAllCounted()
      folder.remove("closed")
      await waitUntil(async () => {
        const { waiting_count, running_count, retrying_count } = await events.sample()
        return waiting_count + running_count + retrying_count === 0
      }, "all events to be handled")
      await events.areAllCounted()
      expect([...events.seen].toSorted()).toEqual(STATES.toSorted())
    },
  },
  {
    title:
      "an event that is held for its key until its next attempt retries, and later events of the key wait",
    async run({ folder, start }) {
      const backoff = "retry: { backoff: { initial: 60_000 } }"
      const fails = 'on: { keyed() { throw new Error("as planned") } }'
      folder.write("handlers/keyed.ts", `export default { queue: "custom_events", ${backoff}, ${fails} }`)
      const service = await start()
      for (const n of upTo(3)) await service.publish({ name: "keyed", payload: { n }, ordering_key: "a" })
      await waitUntil(async () => {
        const { body } = await service.get("/api/v1/queues/custom_events")
        const { waiting, running, retrying } = body as Readonly<Record<string, number | null>>
        return waiting === 2 && running === 0 && retrying === 1
      }, "one event to retry and two to wait")
    },
  },
]
