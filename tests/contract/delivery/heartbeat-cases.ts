import { expect } from "bun:test"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { entriesOf, note } from "./journal.ts"

/** Timeout of the modules, and the time for which their functions run. */
const TIMEOUT_MS = 1_000
const LONG_MS = 3_000

export const heartbeatCases: readonly DeliveryCase[] = [
  {
    title: "a function that calls ctx.heartbeat() runs longer than its timeout, waiting or computing",
    async run({ folder, start }) {
      folder.write(
        "handlers/long.ts",
        `export default { queue: "custom_events", timeout: ${TIMEOUT_MS}, retry: { attempts: 1 }, on: {
          async waiting(event, ctx) {
            for (const until = Date.now() + ${LONG_MS}; Date.now() < until; ctx.heartbeat()) await Bun.sleep(50)
            ${note(folder, "done")}
          },
          computing(event, ctx) {
            for (const until = Date.now() + ${LONG_MS}; Date.now() < until; ) ctx.heartbeat()
            ${note(folder, "done")}
          },
        } }`,
      )
      const service = await start()
      await service.publish({ name: "waiting", payload: { n: 1 } })
      await service.publish({ name: "computing", payload: { n: 2 } })
      await waitUntil(() => entriesOf(folder).length === 2, "both events")
      expect(
        entriesOf(folder)
          .map(({ n }) => n)
          .toSorted(),
      ).toEqual([1, 2])
      expect(await service.get("/api/v1/dead-letters/custom_events")).toMatchObject({ body: { count: 0 } })
    },
  },
  {
    title: "a batch that calls ctx.heartbeat() runs longer than its timeout",
    async run({ folder, start }) {
      folder.write(
        "handlers/long.ts",
        `export default {
          queue: "custom_events", timeout: ${TIMEOUT_MS}, retry: { attempts: 1 }, batch: { size: 2, wait: 2_000 },
          on: {
            async waiting(events, ctx) {
              for (const until = Date.now() + ${LONG_MS}; Date.now() < until; ctx.heartbeat()) await Bun.sleep(50)
              for (const event of events) ${note(folder, "done")}
            },
          },
        }`,
      )
      const service = await start()
      for (const n of [1, 2]) await service.publish({ name: "waiting", payload: { n } })
      await waitUntil(() => entriesOf(folder).length === 2, "both events")
      expect(await service.get("/api/v1/dead-letters/custom_events")).toMatchObject({ body: { count: 0 } })
    },
  },
  {
    title: "a function whose heartbeats end is aborted one timeout after the last one",
    async run({ folder, start }) {
      folder.write(
        "handlers/silent.ts",
        `export default { queue: "custom_events", timeout: ${TIMEOUT_MS}, retry: { attempts: 1 }, on: {
          async silent(event, ctx) {
            for (const until = Date.now() + ${LONG_MS}; Date.now() < until; ctx.heartbeat()) await Bun.sleep(50)
            ${note(folder, "silent")}
            await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve))
            ctx.heartbeat()
            throw ctx.signal.reason
          },
        } }`,
      )
      const service = await start()
      await service.publish({ name: "silent", payload: { n: 1 } })
      const buried = () => service.log.filter(({ msg }) => msg === "event is now a dead letter")
      await waitUntil(() => buried().length === 1, "the dead letter")
      expect(entriesOf(folder)).toHaveLength(1)
      expect(buried()).toMatchObject([
        { reason: "timeout", error: { message: "the handler's timeout is over" } },
      ])
    },
  },
]
