import { expect } from "bun:test"
import type { RunningService, ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { upTo } from "./journal.ts"

/** A module that writes the events of the service into the journal. */
const ALERTS = (folder: ServiceFolder, options = "", more = ""): string =>
  `export default { queue: "system_events", ${options} on: {
    async "*"(event) {
      ${folder.journal("JSON.stringify({ ...event.payload, told: event.name })")}
      ${more}
    },
  } }`

const FAILING = `export default { queue: "custom_events", retry: { attempts: 1 }, on: {
  fails() { throw new Error("no") },
  exits() { process.exit(1) },
  fine() {},
} }`

interface Told {
  /** Name of the event of the service. */
  readonly told: string
  readonly count: number
  readonly [field: string]: unknown
}

const toldIn = (folder: ServiceFolder, name?: string): readonly Told[] =>
  folder
    .journalLines()
    .map((line): Told => JSON.parse(line))
    .filter((each) => name === undefined || each.told === name)

const countOf = (folder: ServiceFolder, name: string): number =>
  toldIn(folder, name).reduce((sum, { count }) => sum + count, 0)

async function publishAll(service: RunningService, name: string, count: number): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    const events = upTo(Math.min(500, count - done)).map((n) => ({ type: "custom", name, payload: { n } }))
    expect((await service.post("/api/v1/events/batch", { events })).status).toBe(201)
  }
}

const DEAD = "broker.dead_letter.added"

export const serviceEventCases: readonly DeliveryCase[] = [
  {
    title: "tell of a dead letter, with its queue, reason, module and id",
    async run({ folder, start }) {
      folder.write("handlers/alerts.ts", ALERTS(folder))
      folder.write("handlers/failing.ts", FAILING)
      const service = await start()
      const id = await service.publish({ name: "fails" })
      await waitUntil(() => toldIn(folder).length > 0, "the event")
      expect(toldIn(folder)).toMatchObject([
        {
          told: DEAD,
          queue: "custom_events",
          reason: "attempts-exhausted",
          module: "failing.ts",
          event_ids: [id],
          count: 1,
        },
      ])
    },
  },
  {
    title: "sum up 3,000 dead letters in a few events",
    async run({ folder, start }) {
      folder.write("handlers/alerts.ts", ALERTS(folder))
      folder.write("handlers/failing.ts", FAILING)
      const service = await start()
      await publishAll(service, "fails", 3_000)
      await waitUntil(() => countOf(folder, DEAD) === 3_000, "all dead letters to be told")
      expect(toldIn(folder).length).toBeLessThan(40)
      for (const { event_ids: ids } of toldIn(folder))
        expect((ids as readonly string[]).length).toBeLessThan(11)
    },
  },
  {
    title:
      "tell nothing about themselves: alerts that fail, that take their worker down, or whose own events fail, end",
    async run({ folder, start }) {
      const more = `await ctx.publish({ type: "custom", name: "fails", payload: {} })
        if (event.payload.queue === "custom_events") throw new Error("the alert fails, too")
        process.exit(1)`
      folder.write(
        "handlers/alerts.ts",
        ALERTS(folder, "retry: { attempts: 2, backoff: { initial: 10 } },", more).replace(
          "(event)",
          "(event, ctx)",
        ),
      )
      folder.write("handlers/failing.ts", FAILING)
      const service = await start()
      await service.publish({ name: "fails" })
      await service.publish({ name: "exits" })
      const dead = () => service.log.filter(({ msg }) => msg === "event is now a dead letter").length
      // Two of the publisher, the alerts for them, for their causes and a worker, and what those have published.
      await waitUntil(() => toldIn(folder).length >= 6, "the alerts")
      let before = -1
      await waitUntil(
        () => {
          const isOver = before === dead()
          before = dead()
          return isOver
        },
        "no more dead letters",
        30_000,
        3_000,
      )
      expect(toldIn(folder).length).toBeLessThan(12)
    },
  },
  {
    title: "tell of a pause, a resumption, a reload, a rejected one and a worker that dies",
    async run({ folder, start }) {
      folder.write("handlers/alerts.ts", ALERTS(folder))
      folder.write("handlers/failing.ts", FAILING)
      const service = await start()
      await service.post("/api/v1/events/queues/custom_events/pause", {})
      await service.post("/api/v1/events/queues/custom_events/resume", {})
      folder.write("handlers/failing.ts", `${FAILING}\nconst version = 2`)
      await service.post("/api/v1/modules/reload", {})
      folder.write("handlers/failing.ts", "export default {")
      await service.post("/api/v1/modules/reload", {})
      await service.publish({ name: "exits" })
      const names = [
        "broker.queue.paused",
        "broker.queue.resumed",
        "broker.modules.reloaded",
        "broker.modules.rejected",
        "broker.worker.replaced",
        DEAD,
      ]
      await waitUntil(() => names.every((name) => countOf(folder, name) > 0), "every event")
      expect(toldIn(folder, "broker.queue.paused")).toMatchObject([{ queue: "custom_events" }])
      expect(toldIn(folder, "broker.worker.replaced")).toMatchObject([
        { cause: "crash", modules: ["failing.ts"] },
      ])
      const [rejected] = toldIn(folder, "broker.modules.rejected")
      expect(rejected).toMatchObject({ faults: [{ module: "failing.ts", line: 1 }] })
      expect(JSON.stringify(rejected)).not.toContain("frame")
    },
  },
  {
    title: "are not published if no module takes them",
    async run({ folder, start }) {
      folder.write("handlers/failing.ts", FAILING)
      folder.write(
        "handlers/others.ts",
        'export default { queue: "others", bind: ["events.system.started"], on: { started() {} } }',
      )
      const service = await start()
      await publishAll(service, "fails", 10)
      await waitUntil(
        () => service.log.filter(({ msg }) => msg === "event is now a dead letter").length === 10,
        "the dead letters",
      )
      await service.post("/api/v1/events/queues/custom_events/pause", {})
      const queue = await service.get("/api/v1/queues/system_events")
      expect(queue.body).toMatchObject({ waiting: 0 })
    },
  },
]
