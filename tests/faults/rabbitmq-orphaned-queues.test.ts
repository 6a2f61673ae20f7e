import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { isReady } from "../support/counting-service.ts"
import { Inbox } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { orphanedQueueFills, orphanedQueueIsTakenUp, queueIsPurged } from "../support/orphaned-queue.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { newEngine, VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
    }, TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    async function onHost(run: (environment: Readonly<Record<string, string>>) => Promise<void>) {
      await using host = await VirtualHost.create(node)
      const place = {
        RABBITMQ_HOST: "127.0.0.1",
        RABBITMQ_PORT: String(node.port),
        RABBITMQ_VHOST: host.name,
      }
      await run(place)
    }

    describe.each(["quorum", "classic"])("on %s queues", (QUEUE_TYPE) => {
      test(
        "a queue without a module fills up, is reported everywhere, and is deleted",
        () => onHost((place) => orphanedQueueFills({ ...place, QUEUE_TYPE })),
        TIMEOUT_MS,
      )

      test(
        "a queue without a module can be unbound, and is consumed again when the module returns",
        () => onHost((place) => orphanedQueueIsTakenUp({ ...place, QUEUE_TYPE })),
        TIMEOUT_MS,
      )

      test("a queue is purged", () => onHost((place) => queueIsPurged({ ...place, QUEUE_TYPE })), TIMEOUT_MS)
    })

    test.each([
      { may: "configure the register", permissions: ["^(events|dead_letters|(dead.)?calls)$", ".*", ".*"] },
      { may: "write to it", permissions: [".*", "^(events|dead_letters|(dead.)?calls)$", ".*"] },
      { may: "read it", permissions: [".*", ".*", "^(events|dead_letters|(dead.)?calls)$"] },
    ])(
      "a user who may not $may publishes and consumes, and the reason is logged once",
      async ({ permissions }) => {
        await using host = await VirtualHost.create(node)
        await node.control("add_user", host.name, "secret")
        await node.control("set_permissions", "-p", host.name, host.name, ...permissions)
        const reports: unknown[] = []
        const engine = newEngine({ ...host.access, user: host.name, password: "secret" }, "quorum", {
          report: (...report) => void reports.push(report),
        })
        await engine.declareQueues([queueDeclaration("calls")])
        await waitUntil(() => reports.length > 0, "the reason to be logged")
        expect(engine.capabilities.findsUndeclaredQueues).toBe(false)
        const inbox = new Inbox(engine, "calls")
        for (let n = 0; n < 20; n++) {
          await engine.publish(newEvent({ routing_key: "calls" }))
          await (await inbox.next()).ack()
        }
        const refused = { reason: expect.stringContaining("ACCESS_REFUSED") }
        expect(reports).toEqual([["warn", expect.any(String), expect.objectContaining(refused)]])
        await engine.close()
        await node.control("delete_user", host.name)
      },
      TIMEOUT_MS,
    )

    test(
      "a queue that another instance has paused is not orphaned, and can't be deleted, until that instance is gone",
      () =>
        onHost(async (place) => {
          await using pausing = new ServiceFolder()
          await using looking = new ServiceFolder()
          const module = `export default { queue: "audit", bind: ["events.#"], on: { "*"() {} } }`
          pausing.write("handlers/audit.ts", module)
          const paused = await pausing.start(place)
          const looker = await looking.start(place)
          const orphans = async () => {
            const { body } = await looker.get("/api/v1/queues/audit")
            return body as { readonly consumers?: number; readonly is_orphaned?: boolean }
          }
          await waitUntil(async () => (await orphans()).consumers === 1, "the queue to be found")
          expect((await paused.post("/api/v1/events/queues/audit/pause", {})).status).toBe(200)
          const isHeld = async () => {
            const { consumers, is_orphaned } = await orphans()
            return consumers === 0 && is_orphaned === false
          }
          await waitUntil(isHeld, "the queue to be paused")
          const remove = () => fetch(`${looker.url}/api/v1/queues/audit?force=true`, { method: "DELETE" })
          for (let look = 0; look < 3; look++) {
            expect(await orphans()).toMatchObject({ consumers: 0, is_orphaned: false })
            const refused = await remove()
            expect(refused.status).toBe(409)
            expect(await refused.json()).toMatchObject({
              detail: expect.stringContaining("has paused the queue audit"),
            })
          }
          await node.control("close_all_connections", "a reconnect")
          await waitUntil(
            async () => (await paused.get("/health/ready")).status === 200,
            "the paused one to return",
          )
          await waitUntil(isHeld, "the queue to be held again")
          expect(looker.log.filter(({ msg }) => msg.includes("queue orphaned: ")).length).toBeLessThanOrEqual(
            1,
          )

          await paused.post("/api/v1/events/queues/audit/resume", {})
          await waitUntil(async () => (await orphans()).consumers === 1, "the queue to be resumed")
          await paused.post("/api/v1/events/queues/audit/pause", {})
          await waitUntil(isHeld, "the queue to be paused again")
          await paused.kill()
          await waitUntil(async () => (await orphans()).is_orphaned === true, "the queue to be orphaned")
          expect((await remove()).status).toBe(200)
        }),
      TIMEOUT_MS,
    )

    test(
      "a queue whose module two instances have removed stays deleted, also when the other one publishes to it",
      () =>
        onHost(async (place) => {
          await using folder = new ServiceFolder()
          folder.write(
            "handlers/gone.ts",
            `export default { queue: "gone", bind: ["lone.gone"], on: { "*"() {} } }`,
          )
          folder.write("handlers/kept.ts", `export default { queue: "custom_events", on: { "*"() {} } }`)
          const first = await folder.start(place)
          const second = await folder.start({ ...place, DATA_DIR: "data-2" })
          await waitUntil(async () => (await isReady(first)) && (await isReady(second)), "both to be ready")
          for (const each of [first, second]) {
            const isComplete = async () =>
              ((await each.get("/api/v1/queues")).body as { readonly is_complete: boolean }).is_complete
            await waitUntil(isComplete, "the register to be read")
          }
          folder.remove("handlers/gone.ts")
          for (const each of [first, second]) {
            expect((await each.post("/api/v1/modules/reload", {})).status).toBe(200)
          }
          const remove = () => fetch(`${first.url}/api/v1/queues/gone?force=true`, { method: "DELETE" })
          await waitUntil(async () => (await remove()).status === 200, "the queue to be orphaned and deleted")
          const draft = { type: "custom", name: "late", payload: {}, routing_key: "lone.gone" }
          expect((await second.post("/api/v1/events", draft)).status).toBe(422)
          for (const each of [first, second]) {
            expect((await each.get("/api/v1/queues/gone")).status).toBe(404)
          }
        }),
      TIMEOUT_MS,
    )

    test(
      "a queue consumed by another instance is not orphaned, and can't be deleted",
      () =>
        onHost(async (place) => {
          await using consuming = new ServiceFolder()
          await using looking = new ServiceFolder()
          consuming.write(
            "handlers/audit.ts",
            `export default { queue: "audit", bind: ["events.#"], on: { async "*"() {} } }`,
          )
          const consumer = await consuming.start(place)
          const looker = await looking.start(place)
          const shown = async () => (await looker.get("/api/v1/queues/audit")).body
          await waitUntil(async () => "consumers" in ((await shown()) as object), "the queue to be found")
          expect(await shown()).toMatchObject({ consumers: 1, has_module: false, is_orphaned: false })
          const refused = await fetch(`${looker.url}/api/v1/queues/audit?force=true`, { method: "DELETE" })
          expect(refused.status).toBe(409)
          expect(await refused.json()).toMatchObject({ type: "urn:event-broker:problem:queue-in-use" })
          expect((await looker.get("/health")).body).toMatchObject({ status: "ready" })
          await consumer.stop()
          const isDegraded = async () =>
            ((await looker.get("/health")).body as { readonly status: string }).status === "degraded"
          await waitUntil(isDegraded, "the queue to be orphaned")
        }),
      TIMEOUT_MS,
    )
  })
}
