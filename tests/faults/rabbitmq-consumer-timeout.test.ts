import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { doneByKey, entriesOf, note, upTo } from "../contract/delivery/journal.ts"
import { isReady } from "../support/counting-service.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000

/** RabbitMQ checks for deliveries that are unsettled for too long at every tick of a channel. */
const BROKER_TIMEOUT_MS = 6_000
const TICK_MS = 1_000

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root} with a consumer_timeout of ${BROKER_TIMEOUT_MS} ms`, () => {
    let node: RabbitMqNode
    let environment: Readonly<Record<string, string>>

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
      const set = (name: string, value: number) =>
        node.control("eval", `application:set_env(rabbit, ${name}, ${value}).`)
      await set("consumer_timeout", BROKER_TIMEOUT_MS)
      await set("channel_tick_interval", TICK_MS)
      environment = { RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port) }
    }, TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    test("a module with a longer timeout is refused at the start, with advice", async () => {
      await using folder = new ServiceFolder()
      folder.write("handlers/slow.ts", `export default { queue: "custom_events", on: { async slow() {} } }`)
      const service = folder.spawn([], {
        ...environment,
        RABBITMQ_CONSUMER_TIMEOUT: String(BROKER_TIMEOUT_MS),
      })
      expect(await service.exited()).toBe(1)
      expect(service.stderr).toContain(
        `handler module slow.ts: its timeout of 30000 ms must be below RabbitMQ's consumer_timeout of ${BROKER_TIMEOUT_MS} ms`,
      )
    })

    test(
      "a handler that runs longer while the service does not know the timeout is logged with RabbitMQ's reason, and other events continue",
      async () => {
        await using folder = new ServiceFolder()
        folder.write(
          "handlers/slow.ts",
          `export default {
            queue: "custom_events", retry: { attempts: 2 },
            on: { async slow() { await Bun.sleep(${5 * BROKER_TIMEOUT_MS}) }, async quick(event) { ${note(folder, "done")} } },
          }`,
        )
        const service = await folder.start(environment)
        await waitUntil(() => isReady(service), "the service to be ready")
        await service.publish({ name: "slow" })
        await waitUntil(
          () => service.log.some(({ msg }) => msg === "RabbitMQ closed the channel of a consumer"),
          "RabbitMQ to close the channel",
        )
        const line = service.log.find(({ msg }) => msg === "RabbitMQ closed the channel of a consumer")
        expect(line).toMatchObject({ level: "error", queue: "custom_events" })
        expect(String(line?.["reason"])).toContain("delivery acknowledgement")
        expect(String(line?.["advice"])).toContain("consumer_timeout")
        await service.publish({ name: "quick", payload: { n: 1 }, ordering_key: "k" })
        await waitUntil(() => entriesOf(folder).length > 0, "another event to be handled")
      },
      TIMEOUT_MS,
    )

    test(
      "an event with an ordering key whose attempts and waits take longer is returned in time, and keeps its order and attempts",
      async () => {
        await using folder = new ServiceFolder()
        folder.write(
          "handlers/ordered.ts",
          `export default {
            queue: "custom_events", timeout: 1_000, retry: { attempts: 9, backoff: { initial: 1_500, factor: 1 } },
            on: {
              async numbered(event, ctx) {
                ${note(folder, "begun")}
                if (event.payload.n === 0 && ctx.attempt < 9) throw new Error("not yet")
                ${note(folder, "done")}
              },
            },
          }`,
        )
        const service = await folder.start({
          ...environment,
          RABBITMQ_CONSUMER_TIMEOUT: String(BROKER_TIMEOUT_MS),
        })
        await waitUntil(() => isReady(service), "the service to be ready")
        for (const n of upTo(5)) {
          await service.publish({ name: "numbered", payload: { n }, ordering_key: "k" })
        }
        await waitUntil(() => doneByKey(folder).get("k")?.length === 5, "every event", TIMEOUT_MS / 2)
        expect(doneByKey(folder).get("k")).toEqual(upTo(5))
        const attempts = entriesOf(folder).filter(({ what, n }) => what === "begun" && n === 0)
        expect(attempts.at(-1)?.attempt).toBe(9)
        expect(service.log.filter(({ msg }) => msg === "RabbitMQ closed the channel of a consumer")).toEqual(
          [],
        )
      },
      TIMEOUT_MS,
    )

    test(
      "an event with an ordering key whose attempts take longer together, one after the other, is returned between them",
      async () => {
        await using folder = new ServiceFolder()
        const part = (BROKER_TIMEOUT_MS * 2) / 3
        folder.write(
          "handlers/long.ts",
          `export default {
            queue: "custom_events", timeout: ${BROKER_TIMEOUT_MS - 1_000}, retry: { attempts: 2, backoff: { initial: 10 } },
            on: {
              async numbered(event, ctx) {
                ${note(folder, "begun")}
                await Bun.sleep(event.payload.n === 0 ? 0 : ${part})
                if (ctx.attempt === 1) throw new Error("not yet")
                ${note(folder, "done")}
              },
            },
          }`,
        )
        const service = await folder.start({
          ...environment,
          RABBITMQ_CONSUMER_TIMEOUT: String(BROKER_TIMEOUT_MS),
        })
        await waitUntil(() => isReady(service), "the service to be ready")
        // The first event that is held restarts the consumer. Later ones are held without that.
        for (const n of [0, 1]) {
          await service.publish({ name: "numbered", payload: { n }, ordering_key: "k" })
          await waitUntil(() => doneByKey(folder).get("k")?.includes(n) === true, "the event", TIMEOUT_MS / 2)
        }
        expect(entriesOf(folder).filter(({ n }) => n === 1)).toMatchObject([
          { what: "begun", attempt: 1 },
          { what: "begun", attempt: 2 },
          { what: "done", attempt: 2 },
        ])
        expect(service.log.filter(({ msg }) => msg === "RabbitMQ closed the channel of a consumer")).toEqual(
          [],
        )
      },
      TIMEOUT_MS,
    )
  })
}
