import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { isReady } from "../support/counting-service.ts"
import {
  handledHistory,
  inventedRuns,
  publishUntilGone,
  writeNotingModule,
} from "../support/killed-history.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"
import { type ListedEvent, wholeHistory } from "../support/whole-history.ts"

const TIMEOUT_MS = 180_000
const KILLED_AFTER = 300

/** Longest time until an instance that has been started again knows everything. */
const COMPLETE_WITHIN_MS = 2_000

for (const installation of installations()) {
  describe(`the history of two instances on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode
    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
    }, TIMEOUT_MS)
    afterAll(() => node[Symbol.asyncDispose]())

    const environment = { RABBITMQ_HOST: "127.0.0.1" }
    const start = async (folder: ServiceFolder, name: string): Promise<RunningService> => {
      const service = await folder.start({
        ...environment,
        RABBITMQ_PORT: String(node.port),
        DATA_DIR: `data-${name}`,
      })
      await waitUntil(() => isReady(service), "the service to be ready")
      return service
    }

    test(
      "is the same for both, and complete after one was killed",
      async () => {
        await using folder = new ServiceFolder()
        writeNotingModule(folder)
        const first = await start(folder, "a")
        const second = await start(folder, "b")
        const answered = new Set<string>()
        const published = publishUntilGone(first, answered)
        await waitUntil(() => answered.size > KILLED_AFTER, "some publishes")
        await first.kill()
        await published

        const again = await start(folder, "a")
        const deadline = performance.now() + COMPLETE_WITHIN_MS
        let missing = [...answered]
        while (missing.length > 0 && performance.now() < deadline) {
          const known = new Set((await wholeHistory(again)).map(({ id }) => id))
          missing = missing.filter((id) => !known.has(id))
        }
        expect(missing).toEqual([])

        // Of an event that was not answered, RabbitMQ may have the event and not the fact.
        const isHandled = ({ id, status }: ListedEvent): boolean =>
          status === "completed" || (status === "unknown" && !answered.has(id))
        const listed = await handledHistory(again, isHandled)
        expect(inventedRuns(listed, folder)).toEqual([])
        const other = await wholeHistory(second)
        expect(other.map(({ id }) => id).toSorted()).toEqual(listed.map(({ id }) => id).toSorted())
        expect(other.filter((each) => !isHandled(each))).toEqual([])
      },
      TIMEOUT_MS,
    )

    test(
      "has the attempts of both; an id of the other one is a duplicate, and its event can be replayed",
      async () => {
        await using folder = new ServiceFolder()
        folder.write(
          "handlers/told.ts",
          `export default { queue: "user_events", on: { async told(event, ctx) { ${folder.journal("String(ctx.replay)")} } } }`,
        )
        const first = await start(folder, "c")
        const second = await start(folder, "d")
        const id = await first.publish({ id: "told-once", type: "user", name: "told" })
        await waitUntil(async () => {
          const { body } = await second.get(`/api/v1/events/${id}`)
          return (body as { readonly status?: string }).status === "completed"
        }, "the other instance to know that it is handled")
        const again = await second.post("/api/v1/events", { id, type: "user", name: "told", payload: {} })
        expect(await again.json()).toMatchObject({ id, duplicate: true })
        const replay = await second.post("/api/v1/replays", { queue: "user_events", ids: [id] })
        const started = (await replay.json()) as { readonly id: string }
        await waitUntil(() => folder.journalLines().includes(started.id), "the replayed event to be handled")
        await waitUntil(async () => {
          const [event] = (await wholeHistory(first, "&name=told")).filter((each) => each.id === id)
          return event?.queues[0]?.attempts === 2
        }, "the first instance to know of the replay")
      },
      TIMEOUT_MS,
    )
  })
}
