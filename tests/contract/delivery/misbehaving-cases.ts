import { expect } from "bun:test"
import { join } from "node:path"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { entriesOf, note } from "./journal.ts"

export const misbehavingCases: readonly DeliveryCase[] = [
  {
    title: "a verdict after the timeout has no effect: the next attempt counts",
    async run({ folder, start }) {
      // It continues for as long as its worker has another event to finish.
      const until = (what: string): string =>
        `while (!(await Bun.file(${JSON.stringify(join(folder.path, "journal"))}).text().catch(() => "")).includes("${what}")) await Bun.sleep(10)`
      folder.write(
        "handlers/other.ts",
        `export default {
          queue: "user_events", on: { async other(event) { ${until("late")}; ${note(folder, "other")} } },
        }`,
      )
      folder.write(
        "handlers/late.ts",
        `export default {
          queue: "custom_events", timeout: 100, retry: { attempts: 3, backoff: { initial: 10 } },
          on: {
            async late(event, ctx) {
              if (ctx.attempt > 1) return ${note(folder, "done")}
              ${until("done")}
              ${note(folder, "late")}
              return ctx.deadLetter("late")
            },
          },
        }`,
      )
      const service = await start({ WORKER_POOL_SIZE: "1" })
      await service.publish({ type: "user", name: "other", payload: { n: 1 } })
      await service.publish({ name: "late", payload: { n: 0 } })
      await waitUntil(() => entriesOf(folder).length === 3, "all that is said")
      expect(entriesOf(folder)).toMatchObject([
        { what: "done", n: 0, attempt: 2 },
        { what: "late", n: 0, attempt: 1 },
        { what: "other", n: 1, attempt: 1 },
      ])
      const { body } = await service.get("/api/v1/dead-letters/custom_events")
      expect(body).toMatchObject({ count: 0 })
    },
  },
  {
    title: "a module that ends a later worker while it loads blocks nothing, is logged, and is tried again",
    async run({ folder, start }) {
      folder.write("database", "")
      folder.write(
        "handlers/starting.ts",
        `if (!(await Bun.file(${JSON.stringify(folder.path)} + "/database").exists())) process.exit(1)
        export default { queue: "custom_events", retry: { attempts: 1 }, on: {
          exits() { process.exit(1) },
          async numbered(event) { ${note(folder, "done")} },
        } }`,
      )
      const service = await start({ WORKER_POOL_SIZE: "1" })
      folder.remove("database")
      await service.publish({ name: "exits" })
      const failures = () => service.log.filter(({ msg }) => msg.startsWith("a worker could not be started"))
      await waitUntil(() => failures().length >= 2, "the log to tell of the second worker")
      expect(failures()[0]?.["reason"]).toStartWith("handler module starting.ts: ended its worker")
      expect((await service.get("/health/live")).status).toBe(200)
      expect(await service.get("/health")).toMatchObject({
        status: 503,
        body: {
          checks: {
            pool: {
              status: "down",
              detail: expect.stringMatching(/^0 of 1 workers: .* because of starting.ts/),
            },
          },
        },
      })
      await waitUntil(async () => {
        const { status } = await service.post("/api/v1/events", {
          type: "custom",
          name: "numbered",
          payload: { n: 0 },
        })
        return status === 201
      }, "a publish to be stored")
      folder.write("database", "")
      await waitUntil(() => entriesOf(folder).length === 1, "the event to be handled")
      expect((await service.get("/health/ready")).status).toBe(200)
    },
  },
]
