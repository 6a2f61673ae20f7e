import { expect } from "bun:test"
import type { RunningService, ServiceFolder } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { doneByKey, entriesOf, note, upTo } from "./journal.ts"

/** Publishes events 0 to `count` with one request. */
async function publishTogether(service: RunningService, count: number): Promise<readonly string[]> {
  const events = upTo(count).map((n) => ({ type: "custom", name: "numbered", payload: { n } }))
  const answer = await service.post("/api/v1/events/batch", { events })
  expect(answer.status).toBe(201)
  const receipts = (await answer.json()) as { readonly events: readonly { readonly id: string }[] }
  return receipts.events.map(({ id }) => id)
}

const batchModule = (batch: string, body: string, options = "") =>
  `export default {
    queue: "custom_events", batch: ${batch}, ${options}
    on: { async numbered(events, ctx) { ${body} } },
  }`

const noteAll = (folder: ServiceFolder, what: string) => `for (const event of events) ${note(folder, what)}`

const buried = (service: RunningService) =>
  service.log.filter(({ msg }) => msg === "event is now a dead letter")

/** One event of ten breaks its call; the nine others are handled at their first attempt. */
const poisonCase = (how: string, poison: string, reason: string): DeliveryCase => ({
  title: `an event whose handler ${how} becomes a dead letter, and costs its batch no attempt`,
  async run({ folder, start }) {
    folder.write(
      "handlers/batched.ts",
      batchModule(
        "{ size: 10, wait: 200 }",
        `if (events.some((event) => event.payload.n === 4)) { ${poison} }
        ${noteAll(folder, "done")}`,
        "timeout: 200, retry: { attempts: 2, backoff: { initial: 10 } },",
      ),
    )
    const service = await start()
    await publishTogether(service, 10)
    await waitUntil(() => buried(service).length > 0 && entriesOf(folder).length >= 9, "the end of all")
    expect(buried(service)).toMatchObject([{ reason, attempt: 2 }])
    const numbers = entriesOf(folder).map(({ n }) => n)
    expect(numbers.toSorted()).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9])
    expect(entriesOf(folder).every(({ attempt }) => attempt === 1)).toBe(true)
  },
})

export const batchCases: readonly DeliveryCase[] = [
  {
    title: "a function gets as many events as fit, and fewer once the first has waited",
    async run({ folder, start }) {
      folder.write(
        "handlers/batched.ts",
        batchModule("{ size: 10, wait: 2_000 }", folder.journal("String(events.length)")),
      )
      const service = await start()
      await publishTogether(service, 25)
      await waitUntil(() => folder.journalLines().length === 3, "three calls")
      expect(folder.journalLines().toSorted()).toEqual(["10", "10", "5"])
    },
  },
  {
    title:
      "each event is settled on its own, the first call for it counts, and events without a call are handled",
    async run({ folder, start }) {
      folder.write(
        "handlers/batched.ts",
        batchModule(
          "{ size: 4, wait: 200 }",
          `${noteAll(folder, "got")}
          for (const { id, payload, retry_count } of events) {
            if (payload.n === 0) { ctx.ack(id); ctx.deadLetter(id, "too late") }
            if (payload.n === 1 && retry_count === 0) ctx.retry(id, { delay: 10 })
            if (payload.n === 2) ctx.deadLetter(id, "never")
          }`,
        ),
      )
      const service = await start()
      const ids = await publishTogether(service, 4)
      await waitUntil(() => entriesOf(folder).length === 5, "the second attempt")
      expect(entriesOf(folder).at(-1)).toMatchObject({ n: 1, attempt: 2 })
      await waitUntil(() => buried(service).length === 1, "the dead letter")
      expect(buried(service)).toMatchObject([
        { event_id: ids[2], reason: "rejected", error: { message: "never" } },
      ])
    },
  },
  {
    title: "only events that are not settled when the function throws are tried again",
    async run({ folder, start }) {
      // Long enough for all four to come into one batch, even on a busy machine.
      folder.write(
        "handlers/batched.ts",
        batchModule(
          "{ size: 4, wait: 2_000 }",
          `${noteAll(folder, "got")}
          ctx.ack(events[0].id)
          if (events.some(({ retry_count }) => retry_count === 0)) throw new Error("half way")
          for (const { id } of events) if (ctx.lastError(id).message !== "half way") process.exit(1)
          ${noteAll(folder, "done")}`,
          "retry: { backoff: { initial: 10 } },",
        ),
      )
      const service = await start()
      await publishTogether(service, 4)
      await waitUntil(() => doneByKey(folder).get("-")?.length === 3, "the second attempts")
      const attempts = upTo(4).map((n) => entriesOf(folder).filter((each) => each.n === n).length)
      expect(attempts.toSorted()).toEqual([1, 3, 3, 3])
      expect(service.log.filter(({ msg }) => msg === "a worker died; it will be replaced")).toEqual([])
    },
  },
  {
    title: "an event in place of its id fails the attempt",
    async run({ folder, start }) {
      const call = 'ctx.deadLetter(events[0], "never")'
      folder.write(
        "handlers/batched.ts",
        batchModule("{ size: 2, wait: 50 }", call, "retry: { attempts: 1 },"),
      )
      const service = await start()
      await publishTogether(service, 1)
      await waitUntil(() => buried(service).length === 1, "the dead letter")
      expect(buried(service)).toMatchObject([{ error: { name: "TypeError" } }])
    },
  },
  {
    title: "a refused publish that is not awaited fails the events that are settled after it",
    async run({ folder, start }) {
      folder.write(
        "handlers/batched.ts",
        batchModule(
          "{ size: 3, wait: 200 }",
          `ctx.ack(events[0].id)
          ctx.publish({ type: "no such type" })
          await ctx.publish({ type: "no such type" }).catch(() => {})
          ctx.ack(events[1].id)`,
        ),
      )
      const service = await start()
      const ids = await publishTogether(service, 3)
      await waitUntil(() => buried(service).length === 2, "two dead letters")
      expect(buried(service).map((line) => line["event_id"])).toEqual(ids.slice(1))
      expect(buried(service)).toMatchObject(Array(2).fill({ reason: "rejected" }))
    },
  },
  poisonCase("exits", "process.exit(3)", "worker-crashed"),
  poisonCase("spins", "for (;;) {}", "timeout"),
  poisonCase("hangs", "await new Promise(() => {})", "timeout"),
]
