import { expect } from "bun:test"
import type { RunningService } from "../../support/running-service.ts"
import { waitUntil } from "../../support/wait-until.ts"
import type { DeliveryCase } from "./delivery-contract.ts"
import { doneByKey, entriesOf, note, upTo } from "./journal.ts"

async function change(service: RunningService, to: "pause" | "resume", queue = "custom_events") {
  const response = await service.post(`/api/v1/events/queues/${queue}/${to}`, {})
  return { status: response.status, body: await response.json() }
}

async function stats(service: RunningService) {
  const { body } = await service.get("/api/v1/events/stats")
  return (body as readonly Record<string, unknown>[]).find((each) => each["queue_name"] === "custom_events")
}

const publish = async (service: RunningService, from: number, to: number) => {
  for (let n = from; n < to; n++)
    await service.publish({ name: "numbered", payload: { n }, ordering_key: `k${n % 3}` })
}

interface QueueState {
  readonly name: string
  readonly is_orphaned: boolean
}

export const pauseCases: readonly DeliveryCase[] = [
  {
    title: "a paused queue is not consumed and keeps its events, until it is resumed",
    async run({ folder, start }) {
      folder.write(
        "handlers/numbered.ts",
        `export default { queue: "custom_events", on: { async numbered(event) { ${note(folder, "done")} } } }`,
      )
      const service = await start()
      await publish(service, 0, 10)
      await waitUntil(() => entriesOf(folder).length === 10, "the events before")
      expect(await change(service, "pause")).toEqual({
        status: 200,
        body: { queue: "custom_events", is_paused: true },
      })
      expect((await change(service, "pause")).status).toBe(200)
      await waitUntil(async () => (await stats(service))?.["consumer_count"] === 0, "the consumer's end")
      await publish(service, 10, 20)
      // On RabbitMQ, one look at the queues serves all requests of a second.
      await waitUntil(async () => (await stats(service))?.["message_count"] === 10, "the events that wait")
      expect(await stats(service)).toMatchObject({ consumer_count: 0, is_paused: true })
      expect(entriesOf(folder).length).toBe(10)
      expect(await change(service, "resume")).toEqual({
        status: 200,
        body: { queue: "custom_events", is_paused: false },
      })
      await waitUntil(() => entriesOf(folder).length === 20, "the events that waited")
      expect((await change(service, "pause", "user_events")).status).toBe(404)
      expect((await change(service, "resume", "nothing")).status).toBe(404)
    },
  },
  {
    title:
      "a queue that is paused and resumed again and again loses nothing, and keeps the order of its keys",
    async run({ folder, start }) {
      folder.write(
        "handlers/numbered.ts",
        `export default {
          queue: "custom_events", retry: { attempts: 100, backoff: { initial: 20, factor: 1 } },
          on: {
            async numbered(event) {
              await Bun.sleep(Math.random() * 10)
              if (Math.random() < 0.2) throw new Error("some fail")
              ${note(folder, "done")}
            },
          },
        }`,
      )
      const service = await start({ WORKER_POOL_SIZE: "2" })
      const publishing = publish(service, 0, 300)
      const handled = () => entriesOf(folder).length >= 300
      while (!handled()) {
        await change(service, "pause")
        await Bun.sleep(Math.random() * 30)
        await change(service, "resume")
        await Bun.sleep(Math.random() * 500)
      }
      await publishing
      await waitUntil(() => [...doneByKey(folder).values()].flat().length === 300, "every event")
      for (const [key, numbers] of doneByKey(folder)) {
        expect(numbers).toEqual(upTo(300).filter((n) => `k${n % 3}` === key))
      }
    },
  },
  {
    title: "events that a pause gives back, again and again, keep their attempts",
    async run({ folder, start }) {
      folder.write(
        "handlers/numbered.ts",
        `export default {
          queue: "custom_events", retry: { attempts: 1 },
          on: { async numbered(event) { await Bun.sleep(5); ${note(folder, "done")} } },
        }`,
      )
      const service = await start({ WORKER_POOL_SIZE: "2" })
      const events = Array.from({ length: 600 }, (_, n) => ({
        type: "custom",
        name: "numbered",
        payload: { n },
        ordering_key: `k${n % 3}`,
      }))
      expect((await service.post("/api/v1/events/batch", { events })).status).toBe(201)
      for (let pauses = 0; pauses < 12; pauses++) {
        await change(service, "pause")
        await change(service, "resume")
        await Bun.sleep(Math.random() * 300)
      }
      await waitUntil(
        async () => entriesOf(folder).length + Number((await stats(service))?.["dead_letter_count"]) >= 600,
        "every event",
      )
      expect(await stats(service)).toMatchObject({ dead_letter_count: 0 })
    },
  },
  {
    title:
      "a pause outlasts the removal of its module, is shown, and keeps the queue from its deletion until it is resumed",
    async run({ folder, start }) {
      const module = `export default { queue: "removable", bind: ["events.custom.kept"], on: { kept(event) { ${folder.journal("event.id")} } } }`
      folder.write("handlers/removable.ts", module)
      folder.write("handlers/other.ts", `export default { queue: "user_events", on: { any() {} } }`)
      const service = await start()
      const ask = (action: string) => service.post(`/api/v1/events/queues/removable/${action}`, {})
      const reload = async () => expect((await service.post("/api/v1/modules/reload", {})).status).toBe(200)
      const state = async () => {
        const { queues } = (await service.get("/api/v1/queues")).body as { queues: readonly QueueState[] }
        return queues.find(({ name }) => name === "removable")
      }
      expect((await ask("pause")).status).toBe(200)
      folder.remove("handlers/removable.ts")
      await reload()
      expect(await state()).toMatchObject({ has_module: false, is_paused: true, is_orphaned: false })
      const remove = async () =>
        (await fetch(`${service.url}/api/v1/queues/removable?force=true`, { method: "DELETE" })).json()
      expect(await remove()).toMatchObject({
        detail: expect.stringContaining("The queue removable is paused on this instance: resume it first."),
      })
      folder.write("handlers/removable.ts", module)
      await reload()
      expect(await state()).toMatchObject({ has_module: true, is_paused: true })
      folder.remove("handlers/removable.ts")
      await reload()
      expect((await ask("resume")).status).toBe(200)
      // RabbitMQ counts again only after a second.
      await waitUntil(async () => (await state())?.is_orphaned === true, "the queue to be orphaned")
      expect(await remove()).toMatchObject({ queue: "removable" })
      folder.write("handlers/removable.ts", module)
      await reload()
      await waitUntil(
        async () =>
          (await service.post("/api/v1/events", { type: "custom", name: "kept", payload: {} })).status ===
          201,
        "an event",
      )
      await waitUntil(() => folder.journalLines().length >= 1, "the event to be handled")
    },
  },
  {
    title: "a retried event with an ordering key continues its count of attempts after a pause",
    async run({ folder, start }) {
      folder.write(
        "handlers/failing.ts",
        `export default {
          queue: "custom_events", retry: { attempts: 4, backoff: { initial: 1_000, factor: 1 } },
          on: {
            async numbered(event, ctx) {
              ${note(folder, "begun")}
              throw new Error(ctx.attempt + " after " + ctx.lastError?.message)
            },
          },
        }`,
      )
      const service = await start()
      await publish(service, 0, 1)
      await waitUntil(() => entriesOf(folder).length === 2, "the second attempt")
      expect((await change(service, "pause")).status).toBe(200)
      await waitUntil(async () => (await stats(service))?.["consumer_count"] === 0, "the consumer's end")
      expect((await change(service, "resume")).status).toBe(200)
      await waitUntil(
        () => service.log.some(({ msg }) => msg === "event is now a dead letter"),
        "the dead letter",
      )
      expect(entriesOf(folder).map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4])
      const buried = service.log.find(({ msg }) => msg === "event is now a dead letter")
      expect(buried).toMatchObject({ attempt: 4, reason: "attempts-exhausted" })
      expect(JSON.stringify(buried)).toContain("after 3 after 2 after 1 after undefined")
    },
  },
]
