import { expect } from "bun:test"
import type { RunningService } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { entriesOf, note, upTo } from "./journal.ts"

const DEAD = "event is now a dead letter"

const buried = (service: RunningService, id: string) =>
  service.log.find(({ msg, event_id }) => msg === DEAD && event_id === id)

export const retryCases: readonly DeliveryCase[] = [
  {
    title:
      "a failed event is tried again with its attempt and last error, and becomes a dead letter after the last attempt",
    async run({ folder, start }) {
      folder.write(
        "handlers/failing.ts",
        `export default {
          queue: "custom_events", retry: { attempts: 3, backoff: { initial: 20, factor: 2 } },
          on: {
            fails(event, ctx) {
              ctx.log.info("trying", { attempt: ctx.attempt, last: ctx.lastError?.message ?? null })
              throw new RangeError("failure " + ctx.attempt)
            },
          },
        }`,
      )
      const service = await start()
      const id = await service.publish({ name: "fails" })
      await waitUntil(() => buried(service, id) !== undefined, "the dead letter")
      expect(buried(service, id)).toMatchObject({
        reason: "attempts-exhausted",
        attempt: 3,
        error: { name: "RangeError", message: "failure 3" },
      })
      const tries = service.log.filter(({ msg }) => msg === "trying").map(({ fields }) => fields)
      expect(tries).toEqual([
        { attempt: 1, last: null },
        { attempt: 2, last: "failure 1" },
        { attempt: 3, last: "failure 2" },
      ])
    },
  },
  {
    title:
      "deliveries that were given back are no attempts: events that fail once have all of their attempts",
    async run({ folder, start }) {
      folder.write(
        "handlers/once.ts",
        `export default {
          queue: "custom_events", retry: { attempts: 2, backoff: { initial: 50, factor: 1 } },
          on: {
            async fails(event, ctx) {
              ctx.log.info("trying")
              await Bun.sleep(20)
              if (ctx.lastError === null) throw new Error("the first time")
              ${note(folder, "done")}
            },
          },
        }`,
      )
      const service = await start()
      const drafts = upTo(200).map((n) => ({
        type: "custom",
        name: "fails",
        payload: { n },
        ...(n % 3 === 0 ? {} : { ordering_key: `k${n % 15}` }),
      }))
      for (let at = 0; at < drafts.length; at += 20)
        await service.post("/api/v1/events/batch", { events: drafts.slice(at, at + 20) })
      const ended = () => entriesOf(folder).length + service.log.filter(({ msg }) => msg === DEAD).length
      await waitUntil(() => ended() === 200, "every event")
      expect(service.log.filter(({ msg }) => msg === DEAD)).toEqual([])
      expect(service.log.filter(({ msg }) => msg === "trying").length).toBe(400)
    },
  },
  {
    title: "events that wait for their next attempt occupy no worker",
    async run({ folder, start }) {
      folder.write(
        "handlers/mixed.ts",
        `export default {
          queue: "custom_events", retry: { attempts: 2, backoff: { initial: 3_600_000, max: 3_600_000 } },
          on: { fails() { throw new Error("later") }, async fine(event) { ${note(folder, "done")} } },
        }`,
      )
      const service = await start({ WORKER_POOL_SIZE: "1", WORKER_PREFETCH_COUNT: "2" })
      for (let n = 0; n < 50; n++) await service.publish({ name: "fails", payload: { n } })
      for (let n = 0; n < 10; n++) await service.publish({ name: "fine", payload: { n } })
      await waitUntil(() => entriesOf(folder).length === 10, "the others")
    },
  },
  {
    title: "an event is not tried again after a permanent error, or a verdict of its handler",
    async run({ folder, start }) {
      folder.write(
        "handlers/rejecting.ts",
        `export default {
          queue: "custom_events",
          on: {
            throws() { throw Object.assign(new Error("no such call"), { retryable: false }) },
            says: (_, ctx) => ctx.deadLetter("no such user"),
          },
        }`,
      )
      const service = await start()
      const thrown = await service.publish({ name: "throws" })
      const said = await service.publish({ name: "says" })
      await waitUntil(() => [thrown, said].every((id) => buried(service, id)), "both dead letters")
      const rejected = { reason: "rejected", attempt: 1 }
      expect(buried(service, thrown)).toMatchObject({ ...rejected, error: { message: "no such call" } })
      expect(buried(service, said)).toMatchObject({ ...rejected, error: { message: "no such user" } })
    },
  },
  {
    title: "an event that kills each worker becomes a dead letter after its attempts, and blocks no other",
    async run({ folder, start }) {
      folder.write(
        "handlers/deadly.ts",
        `export default {
          queue: "custom_events", retry: { attempts: 2, backoff: { initial: 10 } },
          on: { kills() { process.exit(3) }, async fine(event) { ${note(folder, "done")} } },
        }`,
      )
      const service = await start({ WORKER_POOL_SIZE: "2" })
      const id = await service.publish({ name: "kills" })
      for (let n = 0; n < 20; n++) await service.publish({ name: "fine", payload: { n } })
      await waitUntil(() => buried(service, id) !== undefined, "the dead letter")
      expect(buried(service, id)).toMatchObject({ reason: "worker-crashed", attempt: 2 })
      await waitUntil(() => new Set(entriesOf(folder).map(({ n }) => n)).size === 20, "the others")
      expect(entriesOf(folder).every(({ attempt }) => attempt === 1)).toBe(true)
    },
  },
]
