import { expect } from "bun:test"
import type { RunningService } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { doneByKey, entriesOf, note, upTo } from "./journal.ts"

/** Publishes events 0 to `count` of each key, in turns. */
export async function publishInTurns(service: RunningService, keys: readonly string[], count: number) {
  for (const n of upTo(count)) {
    for (const key of keys) await service.publish({ name: "numbered", payload: { n }, ordering_key: key })
  }
}

const module = (body: string, options = "") =>
  `export default { queue: "custom_events", ${options} on: { async numbered(event, ctx) { ${body} } } }`

const KEYS = ["k1", "k2", "k3"]

export const orderingCases: readonly DeliveryCase[] = [
  {
    title: "events of one key are handled one at a time and in order, and events of other keys beside them",
    async run({ folder, start }) {
      folder.write(
        "handlers/ordered.ts",
        module(`${note(folder, "begun")}; await Bun.sleep(Math.random() * 10); ${note(folder, "done")}`),
      )
      const service = await start()
      await publishInTurns(service, KEYS, 30)
      await waitUntil(() => entriesOf(folder).length === 2 * 90, "every event")
      const entries = entriesOf(folder)
      for (const key of KEYS) {
        const ofKey = entries.filter((entry) => entry.key === key).map(({ what, n }) => `${what} ${n}`)
        expect(ofKey).toEqual(upTo(30).flatMap((n) => [`begun ${n}`, `done ${n}`]))
      }
      const overlaps = entries.filter(({ what }, at) => what === "begun" && entries[at + 1]?.what === "begun")
      expect(overlaps.length).toBeGreaterThan(0)
    },
  },
  {
    title: "a failing event holds only its own key, however many wait behind it, until it succeeds",
    async run({ folder, start }) {
      folder.write(
        "handlers/ordered.ts",
        module(
          `if (event.ordering_key === "failing" && event.payload.n === 0) {
            if (!(await Bun.file(${JSON.stringify(folder.path)} + "/open").exists())) throw new Error("not yet")
          }
          ${note(folder, "done")}`,
          "retry: { attempts: 1_000, backoff: { initial: 20, factor: 1 } },",
        ),
      )
      const service = await start({ WORKER_POOL_SIZE: "1", WORKER_PREFETCH_COUNT: "4" })
      await publishInTurns(service, ["failing"], 200)
      await publishInTurns(service, ["fine"], 20)
      await waitUntil(() => doneByKey(folder).get("fine")?.length === 20, "the other key")
      expect(doneByKey(folder).get("failing")).toBeUndefined()
      folder.write("open", "")
      await waitUntil(() => doneByKey(folder).get("failing")?.length === 200, "the failing key")
      expect(doneByKey(folder).get("failing")).toEqual(upTo(200))
      const first = entriesOf(folder).find(({ key, n }) => key === "failing" && n === 0)
      expect(first?.attempt).toBeGreaterThan(2)
    },
  },
  {
    title: "a dead letter frees its key",
    async run({ folder, start }) {
      folder.write(
        "handlers/ordered.ts",
        module(
          `if (event.payload.n === 1) throw new Error("never"); ${note(folder, "done")}`,
          "retry: { attempts: 3, backoff: { initial: 5 } },",
        ),
      )
      const service = await start()
      await publishInTurns(service, KEYS, 4)
      await waitUntil(() => KEYS.every((key) => doneByKey(folder).get(key)?.length === 3), "the others")
      for (const key of KEYS) expect(doneByKey(folder).get(key)).toEqual([0, 2, 3])
      const buried = service.log.filter(({ msg }) => msg === "event is now a dead letter")
      expect(buried.map(({ reason, attempt }) => ({ reason, attempt }))).toEqual(
        KEYS.map(() => ({ reason: "attempts-exhausted", attempt: 3 })),
      )
    },
  },
  ...(["SIGKILL", "SIGTERM"] as const).map(
    (signal): DeliveryCase => ({
      title: `events that a service ended by ${signal} had not handled come in order to the next one`,
      async run({ folder, start }) {
        folder.write(
          "handlers/ordered.ts",
          module(
            `await Bun.sleep(5)
          if (Math.random() < 0.2) throw new Error("some fail")
          ${note(folder, "done")}`,
            "retry: { attempts: 100, backoff: { initial: 10, factor: 1 } },",
          ),
        )
        const first = await start({ WORKER_POOL_SIZE: "2" })
        await publishInTurns(first, KEYS, 60)
        await waitUntil(() => entriesOf(folder).length > 20, "some events")
        first.signal(signal)
        await first.exited()
        await start({ WORKER_POOL_SIZE: "2" })
        await waitUntil(() => KEYS.every((key) => doneByKey(folder).get(key)?.length === 60), "the rest")
        for (const key of KEYS) expect(doneByKey(folder).get(key)).toEqual(upTo(60))
      },
    }),
  ),
]
