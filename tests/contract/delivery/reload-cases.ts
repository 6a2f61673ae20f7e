import { expect } from "bun:test"
import type { RunningService, ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { entriesOf, note, upTo } from "./journal.ts"

interface Answer {
  readonly status: number
  readonly body: {
    readonly generation: string
    readonly is_changed: boolean
    readonly type: string
    readonly errors: readonly Readonly<Record<string, unknown>>[]
  }
}

async function reload(service: RunningService): Promise<Answer> {
  const response = await service.post("/api/v1/modules/reload", {})
  return { status: response.status, body: (await response.json()) as Answer["body"] }
}

async function health(service: RunningService) {
  const { body } = await service.get("/health")
  return body as {
    readonly status: string
    readonly generation: string
    readonly checks: Readonly<Record<string, { readonly status: string; readonly detail?: string }>>
  }
}

/** Writes a module of two files that both have the version. It notes both, and the generation, with each event. */
function writeVersion(folder: ServiceFolder, version: number): void {
  folder.write("handlers/_version.ts", `export const shared = ${version}`)
  folder.write(
    "handlers/versioned.ts",
    `import { shared } from "./_version.ts"
    const own = ${version}
    export default { queue: "custom_events", on: {
      async numbered(event, ctx) {
        await Bun.sleep(Math.random() * 4)
        ${folder.journal('[own, shared, ctx.generation, event.payload.n, ctx.attempt].join(" ")')}
      },
    } }`,
  )
}

const numbered = (from: number, to: number) =>
  upTo(to - from).map((n) => ({ type: "custom", name: "numbered", payload: { n: from + n } }))

const publishAll = async (service: RunningService, from: number, to: number): Promise<void> => {
  const response = await service.post("/api/v1/events/batch", { events: numbered(from, to) })
  expect(response.status).toBe(201)
}

const EXIT = "process.exit(1)"

export const reloadCases: readonly DeliveryCase[] = [
  {
    title: "2,000 events during 20 reloads are each handled once, by one version of the code",
    async run({ folder, start }) {
      writeVersion(folder, 0)
      const service = await start()
      const generations = [(await health(service)).generation]
      for (let version = 1; version <= 20; version++) {
        const publishing = publishAll(service, (version - 1) * 100, version * 100)
        writeVersion(folder, version)
        const { status, body } = await reload(service)
        expect([status, body.is_changed]).toEqual([200, true])
        generations.push(body.generation)
        await publishing
      }
      await waitUntil(() => folder.journalLines().length >= 2_000, "every event")
      const lines = folder.journalLines().map((line) => line.split(" "))
      const handled = lines.map(([, , , n]) => Number(n))
      expect(handled.toSorted((a, b) => a - b)).toEqual([...upTo(2_000)])
      for (const [own, shared, generation, , attempt] of lines) {
        expect([shared, generation, attempt]).toEqual([own, generations[Number(own)], "1"])
      }
      expect(new Set(generations).size).toBe(21)
      expect(new Set(lines.map(([own]) => own)).size).toBeGreaterThan(10)
      expect(await health(service)).toMatchObject({ status: "ready", generation: generations.at(-1) })
    },
  },
  {
    title: "ten broken versions in a row leave every worker with the version before, and say what is wrong",
    async run({ folder, start }) {
      writeVersion(folder, 0)
      const service = await start()
      const { generation } = await health(service)
      const broken = [
        'export default { queue: "custom_events" on: {} }',
        'import "./_missing.ts"\nexport default { queue: "custom_events", on: { numbered() {} } }',
        'import stripe from "stripe"\nexport default { queue: stripe, on: { numbered() {} } }',
        'throw new Error("no licence")',
        'process.exit(3)\nexport default { queue: "custom_events", on: { numbered() {} } }',
        'export default { queue: "custom_events", retries: 3, on: { numbered() {} } }',
        'export default { queue: "custom_event", on: { numbered() {} } }',
        'export default { queue: "custom_events", on: { numbered: 5 } }',
        "export const nothing = 1",
        'export default { queue: "dead.custom_events", on: { numbered() {} } }',
      ]
      for (const source of broken) {
        folder.write("handlers/versioned.ts", source)
        const { status, body } = await reload(service)
        expect([status, body.type]).toEqual([422, "urn:event-broker:problem:modules-rejected"])
        expect(body.errors[0]).toMatchObject({ module: "versioned.ts", message: expect.any(String) })
      }
      const { status, checks, ...now } = await health(service)
      expect([status, now.generation]).toEqual(["degraded", generation])
      expect(checks["modules"]).toMatchObject({
        status: "degraded",
        detail: expect.stringContaining("versioned.ts"),
      })
      expect(checks["pool"]).toEqual({ status: "up", detail: "5 of 5 workers" })
      await publishAll(service, 0, 50)
      await waitUntil(() => folder.journalLines().length === 50, "the events on the version before")
      writeVersion(folder, 0)
      expect(await reload(service)).toMatchObject({ status: 200, body: { generation, is_changed: false } })
      expect(await health(service)).toMatchObject({ status: "ready" })
    },
  },
  {
    title: "a worker that is replaced after its file was edited has the code of all others",
    async run({ folder, start }) {
      const source = (version: number) =>
        `export default { queue: "custom_events", retry: { attempts: 1 }, on: {
          exits() { ${EXIT} },
          async numbered(event, ctx) { ${folder.journal(`"${version} " + ctx.generation`)} },
        } }`
      folder.write("handlers/versioned.ts", source(1))
      const service = await start({ WORKER_POOL_SIZE: "2" })
      const { generation } = await health(service)
      folder.write("handlers/versioned.ts", source(2))
      await service.publish({ name: "exits" })
      await waitUntil(
        () => service.log.some(({ msg }) => msg === "a worker died; it will be replaced"),
        "the crash",
      )
      await waitUntil(async () => (await health(service)).checks["pool"]?.status === "up", "both workers")
      await publishAll(service, 0, 100)
      await waitUntil(() => folder.journalLines().length === 100, "the events")
      expect(new Set(folder.journalLines())).toEqual(new Set([`1 ${generation}`]))
    },
  },
  {
    title:
      "an event that waits for a retry keeps its attempts over a reload, and has its next one on the new code",
    async run({ folder, start }) {
      const source = (version: number, body: string) =>
        `export default { queue: "custom_events", retry: { attempts: 5, backoff: { initial: 300, factor: 1 } }, on: {
          async numbered(event, ctx) { ${folder.journal(`"${version} " + ctx.attempt`)}; ${body} },
        } }`
      folder.write("handlers/versioned.ts", source(1, 'throw new Error("not yet")'))
      const service = await start()
      await service.publish({ name: "numbered", ordering_key: "k" })
      await waitUntil(() => folder.journalLines().length === 1, "the first attempt")
      folder.write("handlers/versioned.ts", source(2, ""))
      expect((await reload(service)).status).toBe(200)
      await waitUntil(
        () => folder.journalLines().at(-1)?.startsWith("2 ") === true,
        "the attempt on the new code",
      )
      const attempts = folder.journalLines().map((line) => Number(line.split(" ")[1]))
      expect(attempts).toEqual([...upTo(attempts.length)].map((n) => n + 1))
      expect(attempts.length).toBeGreaterThan(1)
    },
  },
  {
    title: "a function that runs during a reload ends with the code that it began with",
    async run({ folder, start }) {
      const source = (version: number) =>
        `export default { queue: "custom_events", on: {
          async numbered(event) { ${note(folder, `begun-${version}`)}; while (!require("node:fs").existsSync(${JSON.stringify(`${folder.path}/go`)})) await Bun.sleep(5); ${note(folder, `done-${version}`)} },
          async quick(event) { ${note(folder, `quick-${version}`)} },
        } }`
      folder.write("handlers/versioned.ts", source(1))
      const service = await start({ WORKER_POOL_SIZE: "1" })
      await service.publish({ name: "numbered", payload: { n: 1 } })
      await waitUntil(() => entriesOf(folder).length === 1, "the function to begin")
      folder.write("handlers/versioned.ts", source(2))
      expect((await reload(service)).status).toBe(200)
      await service.publish({ name: "quick", payload: { n: 2 } })
      await waitUntil(() => entriesOf(folder).length === 2, "another event")
      folder.write("go", "")
      await waitUntil(() => entriesOf(folder).length === 3, "the end of the function")
      expect(entriesOf(folder).map(({ what }) => what)).toEqual(["begun-1", "quick-2", "done-1"])
      expect(service.log.some(({ msg }) => String(msg).includes("died"))).toBe(false)
    },
  },
  {
    title: "the queue of a removed module keeps its events, and the module handles them when it is back",
    async run({ folder, start }) {
      const source = `export default { queue: "extra", bind: ["events.custom.numbered"], on: {
        async numbered(event) { ${note(folder, "done")} },
      } }`
      folder.write("handlers/other.ts", 'export default { queue: "user_events", on: { login() {} } }')
      folder.write("handlers/extra.ts", source)
      const service = await start()
      await publishAll(service, 0, 10)
      await waitUntil(() => entriesOf(folder).length === 10, "the events before")
      folder.remove("handlers/extra.ts")
      expect((await reload(service)).status).toBe(200)
      await publishAll(service, 10, 20)
      const waiting = async () => {
        const { body } = await service.get("/api/v1/queues/extra")
        return body as { readonly waiting: number; readonly is_orphaned: boolean }
      }
      await waitUntil(async () => (await waiting()).waiting === 10, "the events to wait")
      await waitUntil(async () => (await waiting()).is_orphaned, "the queue to be orphaned")
      expect(entriesOf(folder).length).toBe(10)
      folder.write("handlers/extra.ts", source)
      expect((await reload(service)).status).toBe(200)
      await waitUntil(() => entriesOf(folder).length === 20, "the events that waited")
    },
  },
  {
    title: "a paused queue stays paused, also while its module is away",
    async run({ folder, start }) {
      const source = `export default { queue: "custom_events", on: { async numbered(event) { ${note(folder, "done")} } } }`
      folder.write("handlers/other.ts", 'export default { queue: "user_events", on: { login() {} } }')
      folder.write("handlers/numbered.ts", source)
      const service = await start()
      await service.post("/api/v1/events/queues/custom_events/pause", {})
      await publishAll(service, 0, 3)
      folder.remove("handlers/numbered.ts")
      expect((await reload(service)).status).toBe(200)
      folder.write("handlers/numbered.ts", source)
      expect((await reload(service)).status).toBe(200)
      expect((await service.get("/api/v1/queues/custom_events")).body).toMatchObject({ is_paused: true })
      expect(entriesOf(folder).length).toBe(0)
      await service.post("/api/v1/events/queues/custom_events/resume", {})
      await waitUntil(() => entriesOf(folder).length === 3, "the events that waited")
    },
  },
  {
    title: "a module that changes an argument of a queue is rejected, and nothing changes",
    async run({ folder, start }) {
      const source = (version: number, option: string) =>
        `export default { queue: "extra", bind: ["events.custom.numbered"], ${option} on: {
          async numbered(event) { ${note(folder, `v${version}`)} },
        } }`
      folder.write("handlers/extra.ts", source(1, ""))
      const service = await start()
      folder.write("handlers/extra.ts", source(2, "single_active_consumer: true,"))
      folder.write(
        "handlers/more.ts",
        'export default { queue: "more", bind: ["events.custom.more"], on: { more() {} } }',
      )
      const { status, body } = await reload(service)
      expect(status).toBe(422)
      expect(body.errors).toMatchObject([
        { module: "extra.ts", line: 1, message: expect.stringContaining("`single_active_consumer`") },
      ])
      expect((await service.get("/api/v1/queues/more")).status).toBe(404)
      await publishAll(service, 0, 10)
      await waitUntil(() => entriesOf(folder).length === 10, "the events")
      expect(new Set(entriesOf(folder).map(({ what }) => what))).toEqual(new Set(["v1"]))
    },
  },
  {
    title: "batches that are being filled during a reload go to the new code, each event once",
    async run({ folder, start }) {
      const source = (version: number, size: number) =>
        `export default { queue: "custom_events", batch: { size: ${size}, wait: 400 }, on: {
          async numbered(events) { for (const event of events) ${note(folder, `v${version}`)} },
        } }`
      folder.write("handlers/batched.ts", source(1, 50))
      const service = await start()
      await publishAll(service, 0, 10)
      folder.write("handlers/batched.ts", source(2, 20))
      expect((await reload(service)).status).toBe(200)
      await publishAll(service, 10, 30)
      await waitUntil(() => entriesOf(folder).length >= 30, "every event")
      expect(
        entriesOf(folder)
          .map(({ n }) => n)
          .toSorted((a, b) => a - b),
      ).toEqual([...upTo(30)])
    },
  },
]
