import type { RunningService } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { entriesOf, note } from "./journal.ts"

interface Shown {
  readonly waiting: number
  readonly running: number
  readonly is_busy: boolean
}

const BOUND_MS = 30_000
const POLL_INTERVAL_MS = 50

/** Waits until the queue is shown so. On RabbitMQ, one look at the queues serves all requests of a second. */
async function shown(service: RunningService, queue: string, expected: Shown): Promise<void> {
  await waitUntil(
    async () => {
      const { body } = await service.get(`/api/v1/queues/${queue}`)
      const { waiting, running, is_busy } = body as Shown
      return Bun.deepEquals({ waiting, running, is_busy }, expected)
    },
    `${queue} with ${JSON.stringify(expected)}`,
    BOUND_MS,
    POLL_INTERVAL_MS,
  )
}

const NOTHING: Shown = { waiting: 0, running: 0, is_busy: false }

/** A statement that waits until the test writes a file. */
const held = (path: string): string =>
  `while (!process.getBuiltinModule("node:fs").existsSync(${JSON.stringify(path)})) await Bun.sleep(20)`

export const runningCases: readonly DeliveryCase[] = [
  {
    title: "a queue shows its running events, and that others wait because the workers take no more",
    async run({ folder, start }) {
      const handler = `async held(event) { ${held(`${folder.path}/go`)}; ${note(folder, "done")} }`
      folder.write("handlers/held.ts", `export default { queue: "custom_events", on: { ${handler} } }`)
      folder.write("handlers/idle.ts", `export default { queue: "user_events", on: { idle() {} } }`)
      const service = await start({ WORKER_POOL_SIZE: "2", WORKER_PREFETCH_COUNT: "2" })
      for (let n = 0; n < 3; n++) await service.publish({ name: "held", payload: { n } })
      await shown(service, "custom_events", { waiting: 0, running: 3, is_busy: false })
      for (let n = 3; n < 7; n++) await service.publish({ name: "held", payload: { n } })
      await shown(service, "custom_events", { waiting: 3, running: 4, is_busy: true })
      await shown(service, "user_events", NOTHING)
      folder.write("go", "")
      await waitUntil(() => entriesOf(folder).length === 7, "the events")
      await shown(service, "custom_events", NOTHING)
    },
  },
  {
    title: "a queue shows each event of a batch as running, and none after its worker has died",
    async run({ folder, start }) {
      folder.write(
        "handlers/held.ts",
        `export default { queue: "custom_events", batch: { size: 3, wait: 60000 }, retry: { attempts: 1 }, on: {
          async held() { ${held(`${folder.path}/go`)}; process.exit(1) },
        } }`,
      )
      const service = await start({ WORKER_POOL_SIZE: "1" })
      for (let n = 0; n < 3; n++) await service.publish({ name: "held", payload: { n } })
      await shown(service, "custom_events", { waiting: 0, running: 3, is_busy: false })
      folder.write("go", "")
      await shown(service, "custom_events", NOTHING)
    },
  },
  {
    title: "an event of a batch that is settled before the others is no longer running",
    async run({ folder, start }) {
      folder.write(
        "handlers/held.ts",
        `export default { queue: "custom_events", batch: { size: 3, wait: 60000 }, on: {
          async held(events, ctx) { ctx.deadLetter(events[0].id, "never"); ${held(`${folder.path}/go`)} },
        } }`,
      )
      const service = await start()
      for (let n = 0; n < 3; n++) await service.publish({ name: "held", payload: { n } })
      await shown(service, "custom_events", { waiting: 0, running: 2, is_busy: false })
      await waitUntil(async () => {
        const { body } = await service.get("/api/v1/queues/custom_events")
        return (body as { readonly dead_letters: number }).dead_letters === 1
      }, "the dead letter")
      folder.write("go", "")
      await shown(service, "custom_events", NOTHING)
    },
  },
]
