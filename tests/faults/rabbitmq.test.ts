import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { AMQPClient } from "@cloudamqp/amqp-client"
import type { Event } from "../../src/event/envelope.ts"
import { allHandled, countingFolder, isReady, SETTLING_MS } from "../support/counting-service.ts"
import { newEvent } from "../support/new-event.ts"
import { PublishLoad } from "../support/publish-load.ts"
import { CancellingProxy } from "../support/rabbitmq/cancelling-proxy.ts"
import { atRest, held } from "../support/rabbitmq/held.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 300_000
const CONNECTIONS = 16
const MANY_CONNECTIONS = 200
const PLENTY = 300

/** Returns the status in the service's health report. */
const statusOf = async (service: RunningService) =>
  ((await service.get("/health")).body as { readonly status: string }).status

const metricsOf = async ({ url }: RunningService) => (await fetch(`${url}/metrics`)).text()

const environmentOf = (node: RabbitMqNode) => ({
  RABBITMQ_HOST: "127.0.0.1",
  RABBITMQ_PORT: String(node.port),
  WORKER_POOL_SIZE: "2",
})

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
      await using folder = countingFolder()
      const service = await folder.start(environmentOf(node))
      await waitUntil(() => isReady(service), "the service to declare the queues")
      await service.stop()
      await Bun.sleep(SETTLING_MS)
    }, TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    /** Runs a fault under load, and checks what the service guarantees for each of them. */
    async function survives(fault: (service: RunningService, load: PublishLoad) => Promise<void>) {
      await using folder = countingFolder()
      const service = await folder.start(environmentOf(node))
      await waitUntil(() => isReady(service), "the service to be ready")
      const before = await atRest(() => held(node))
      const load = new PublishLoad(service, CONNECTIONS)
      await waitUntil(() => load.answered.size >= PLENTY, "the load to flow")
      await fault(service, load)
      await waitUntil(() => isReady(service), "the service to be ready again", TIMEOUT_MS / 2)
      const recovered = load.answered.size
      await waitUntil(() => load.answered.size >= recovered + PLENTY, "the load to flow again")
      await load.stop()
      expect([...load.refused.keys()].filter((status) => status !== 503 && status !== 504)).toEqual([])
      await allHandled(folder, load.answered)
      await waitUntil(
        async () => Bun.deepEquals(await held(node), before),
        `as many connections, channels and consumers as before: ${before}`,
      )
      expect(await service.stop()).toBe(0)
      return load
    }

    test(
      "the service survives a kill and restart of the broker",
      async () => {
        const load = await survives(async (service) => {
          await node.kill()
          await waitUntil(async () => !(await isReady(service)), "the service to notice")
          expect(await service.get("/health")).toMatchObject({
            status: 503,
            body: { status: "unavailable", checks: { engine: { status: "down" }, pool: { status: "up" } } },
          })
          expect((await service.get("/health/live")).status).toBe(200)
          const metrics = await metricsOf(service)
          expect(metrics).toContain("\nevent_broker_engine_up 0\n")
          expect(metrics).not.toContain("event_broker_queue_messages{")
          await node.start()
        })
        expect(load.refused.size).toBeGreaterThan(0)
      },
      TIMEOUT_MS,
    )

    test(
      "the service survives repeated kills of the broker while many publishes are written",
      async () => {
        await survives(async (service) => {
          const many = new PublishLoad(service, MANY_CONNECTIONS)
          for (let kill = 0; kill < 3; kill++) {
            const before = many.answered.size
            await waitUntil(() => many.answered.size > before + PLENTY, "the load to flow")
            await node.kill()
            await waitUntil(async () => !(await isReady(service)), "the service to notice")
            await node.start()
            await waitUntil(() => isReady(service), "the service to be ready again", TIMEOUT_MS / 2)
          }
          await many.stop()
        })
      },
      TIMEOUT_MS,
    )

    test(
      "the service survives when every connection is closed by force, five times",
      async () => {
        await survives(async (service, load) => {
          for (let i = 0; i < 5; i++) {
            const answered = load.answered.size
            await node.control("close_all_connections", "a test")
            await waitUntil(() => load.answered.size > answered, "the load to flow again")
            await waitUntil(() => isReady(service), "the service to be ready again")
          }
        })
      },
      TIMEOUT_MS,
    )

    test(
      "deliveries of a lost consumer that wait for a worker do not start, and each runs once when it returns",
      async () => {
        await using folder = new ServiceFolder()
        const go = join(folder.path, "go")
        folder.write(
          "handlers/slow.ts",
          `import { existsSync } from "node:fs"
          export default { queue: "custom_events", on: { async slow() {
            ${folder.journal('"slow"')}
            while (!existsSync(${JSON.stringify(go)})) await Bun.sleep(10)
          } } }`,
        )
        folder.write(
          "handlers/waits.ts",
          `export default { queue: "user_events", on: { waits() { ${folder.journal('"waits"')} } } }`,
        )
        const oneAtATime = { WORKER_POOL_SIZE: "1", WORKER_PREFETCH_COUNT: "1" }
        const service = await folder.start({ ...environmentOf(node), ...oneAtATime })
        await waitUntil(() => isReady(service), "the service to be ready")
        await service.publish({ name: "slow" })
        await waitUntil(() => folder.journalLines().length === 1, "the handler to run")
        await service.publish({ type: "user", name: "waits" })
        const inFlight = (count: number) => async (): Promise<boolean> =>
          (await metricsOf(service)).includes(`\nevent_broker_deliveries_in_flight ${count}\n`)
        await waitUntil(inFlight(2), "the other event to wait for the worker")
        await node.control("close_all_connections", "a test")
        await waitUntil(inFlight(4), "both to be delivered again")
        writeFileSync(go, "")
        await waitUntil(inFlight(0), "all to be settled")
        expect(folder.journalLines().filter((line) => line === "waits")).toHaveLength(1)
      },
      TIMEOUT_MS,
    )

    test(
      "publishers blocked by the memory alarm are refused at once, and consumers continue",
      async () => {
        await survives(async (service, load) => {
          await node.control("set_vm_memory_high_watermark", "absolute", "1000000")
          await waitUntil(async () => !(await isReady(service)), "the service to notice")
          expect((await service.get("/health/rabbitmq")).body).toMatchObject({
            status: "blocked",
            blocked: true,
          })
          expect((await service.get("/health/live")).status).toBe(200)
          const response = await service.post("/api/v1/events", {
            type: "custom",
            name: "counted",
            payload: {},
          })
          expect(response.status).toBe(503)
          expect(await response.json()).toMatchObject({ type: "urn:event-broker:problem:engine-unavailable" })
          expect(await metricsOf(service)).toContain("\nevent_broker_publishers_blocked 1\n")
          await waitUntil(async () => (await waiting(service)) === 0, "the consumers to drain the queue")
          await node.control("set_vm_memory_high_watermark", "absolute", "2000000000")
          expect(load.refused.get(503)).toBeGreaterThan(0)
        })
      },
      TIMEOUT_MS,
    )

    test(
      "an alarm while nobody publishes: ready is 503, a service that starts consumes, and ready is 200 after it",
      async () => {
        await using folder = countingFolder()
        const idle = await folder.start(environmentOf(node))
        await waitUntil(() => isReady(idle), "the service to be ready")
        const id = await idle.publish({ name: "counted" })
        await allHandled(folder, new Set([id]))
        await node.control("set_vm_memory_high_watermark", "0.001")
        await waitUntil(async () => !(await isReady(idle)), "the alarm to be noticed")
        expect((await idle.get("/health/rabbitmq")).body).toMatchObject({ status: "blocked" })
        const started = await folder.start(environmentOf(node))
        await waitUntil(async () => {
          const { body } = await started.get("/health")
          return Bun.deepMatch({ checks: { consumers: { status: "up" } } }, body)
        }, "the service that starts to consume")
        await node.control("set_vm_memory_high_watermark", "absolute", "2000000000")
        for (const service of [idle, started]) await waitUntil(() => isReady(service), "the end of the alarm")
      },
      TIMEOUT_MS,
    )

    test(
      "a queue that another program consumes exclusively degrades the service until it is released, and still receives events",
      async () => {
        await using folder = countingFolder()
        // RabbitMQ lets others consume a quorum queue beside an exclusive consumer.
        await using host = await VirtualHost.create(node)
        const service = await folder.start({
          ...environmentOf(node),
          RABBITMQ_VHOST: host.name,
          QUEUE_TYPE: "classic",
        })
        await waitUntil(() => isReady(service), "the service to be ready")
        await service.post("/api/v1/events/queues/custom_events/pause", {})
        const other = new AMQPClient(`amqp://127.0.0.1:${node.port}/${host.name}`)
        await other.connect()
        const channel = await other.channel()
        await waitUntil(async () => {
          const { consumerCount } = await channel.queueDeclare("custom_events", { passive: true })
          return consumerCount === 0
        }, "the pause")
        await channel.basicQos(1)
        await channel.basicConsume("custom_events", { noAck: false, exclusive: true }, () => {})
        expect((await service.get("/health")).body).toMatchObject({
          checks: { consumers: { status: "degraded", detail: expect.stringContaining("paused") } },
        })
        await service.post("/api/v1/events/queues/custom_events/resume", {})
        await waitUntil(async () => {
          const health = await service.get("/health")
          return Bun.deepMatch(
            { status: 200, body: { checks: { consumers: { status: "down" }, pool: { status: "up" } } } },
            health,
          )
        }, "the service to be degraded")
        expect(await isReady(service)).toBe(true)
        const id = await service.publish({ name: "counted" })
        await other.close()
        await waitUntil(async () => (await statusOf(service)) === "ready", "the service to consume")
        await allHandled(folder, new Set([id]))
        expect(await service.stop()).toBe(0)
      },
      TIMEOUT_MS,
    )

    test(
      "the service stops while publishers are blocked",
      async () => {
        await using folder = countingFolder()
        const service = await folder.start(environmentOf(node))
        await waitUntil(() => isReady(service), "the service to be ready")
        await node.control("set_vm_memory_high_watermark", "absolute", "1000000")
        const response = await service.post("/api/v1/events", {
          type: "custom",
          name: "counted",
          payload: {},
        })
        expect(response.status).toBe(503)
        expect(await service.stop()).toBe(0)
        await node.control("set_vm_memory_high_watermark", "absolute", "2000000000")
      },
      TIMEOUT_MS,
    )

    test(
      "the service survives the deletion of the exchange, which closes the publishing channel",
      async () => {
        await survives(async () => {
          await node.manage("DELETE", "exchanges/%2F/events")
        })
      },
      TIMEOUT_MS,
    )

    test(
      "the service can start before the broker",
      async () => {
        await node.kill()
        await using folder = countingFolder()
        const service = await folder.start(environmentOf(node))
        expect((await service.get("/health/live")).status).toBe(200)
        expect((await service.get("/health/ready")).status).toBe(503)
        expect((await service.get("/health/rabbitmq")).status).toBe(503)
        const refused = await service.post("/api/v1/events", { type: "custom", name: "counted", payload: {} })
        expect(refused.status).toBe(503)
        expect(refused.headers.get("retry-after")).not.toBeNull()
        await node.start()
        await waitUntil(() => isReady(service), "the service to be ready")
        const id = await service.publish({ name: "counted" })
        await allHandled(folder, new Set([id]))
        expect(await service.stop()).toBe(0)
      },
      TIMEOUT_MS,
    )

    test(
      "a queue that exists with other arguments stops the start, with one sentence",
      async () => {
        const args = { "x-queue-type": "classic" }
        await node.manage("PUT", "vhosts/drifted", {})
        await node.manage("PUT", "permissions/drifted/guest", { configure: ".*", write: ".*", read: ".*" })
        await node.manage("PUT", "queues/drifted/voice_events", { durable: true, arguments: args })
        await using folder = countingFolder()
        const service = folder.spawn([], { ...environmentOf(node), RABBITMQ_VHOST: "drifted" })
        expect(await service.exited()).toBe(1)
        expect(service.stderr).toContain("the queue voice_events can't be used")
        expect(service.stderr).toContain("inequivalent arg")
        expect(service.stderr.trim().split("\n")).toHaveLength(1)
        await node.manage("DELETE", "vhosts/drifted")
      },
      TIMEOUT_MS,
    )

    test(
      "with TOPOLOGY=passive existing objects are used, and a missing one stops the start",
      async () => {
        await using folder = countingFolder()
        const passive = { ...environmentOf(node), TOPOLOGY: "passive" }
        const service = await folder.start(passive)
        await waitUntil(() => isReady(service), "the service to be ready")
        const id = await service.publish({ name: "counted" })
        await allHandled(folder, new Set([id]))
        await service.stop()
        await node.manage("PUT", "vhosts/bare", {})
        await node.manage("PUT", "permissions/bare/guest", { configure: "", write: ".*", read: ".*" })
        const lost = folder.spawn([], { ...passive, RABBITMQ_VHOST: "bare" })
        expect(await lost.exited()).toBe(1)
        expect(lost.stderr).toContain("the exchange events can't be used")
        expect(lost.stderr).toContain("declare it, or unset TOPOLOGY")
        await node.manage("DELETE", "vhosts/bare")
      },
      TIMEOUT_MS,
    )

    test(
      "a message that is not an event becomes a dead letter, with the reason",
      async () => {
        await using folder = countingFolder()
        const service = await folder.start(environmentOf(node))
        await waitUntil(() => isReady(service), "the service to be ready")
        await node.manage("POST", "exchanges/%2F/events/publish", {
          routing_key: "events.custom.foreign",
          payload: "not JSON",
          payload_encoding: "string",
          properties: {},
        })
        await waitUntil(async () => (await statsOf(service)).dead_letter_count === 1, "the dead letter")
        expect(service.stdout).toContain('"reason":"malformed"')
        const id = await service.publish({ name: "counted" })
        await allHandled(folder, new Set([id]))
        await node.manage("DELETE", "queues/%2F/dead.custom_events/contents")
      },
      TIMEOUT_MS,
    )

    test(
      "another program's event that does not match its schema becomes a dead letter, and a valid one is handled",
      async () => {
        await using folder = countingFolder()
        folder.write("schemas/custom/counted.json", '{"required":["n"]}')
        const service = await folder.start({ ...environmentOf(node), SCHEMAS_DIR: "schemas" })
        await waitUntil(() => isReady(service), "the service to be ready")
        const put = (event: Event) =>
          node.manage("POST", "exchanges/%2F/events/publish", {
            routing_key: event.routing_key,
            payload: JSON.stringify(event),
            payload_encoding: "string",
            properties: { app_id: "another" },
          })
        const good = newEvent({ name: "counted", payload: { n: 1 } })
        await put(newEvent({ name: "counted" }))
        await put(good)
        await waitUntil(async () => (await statsOf(service)).dead_letter_count === 1, "the dead letter")
        const { body } = await service.get("/api/v1/dead-letters/custom_events")
        expect(body).toMatchObject({
          dead_letters: [{ reason: "schema", error: { message: expect.stringContaining("/payload/n") } }],
        })
        await allHandled(folder, new Set([good.id]))
        await node.manage("DELETE", "queues/%2F/dead.custom_events/contents")
      },
      TIMEOUT_MS,
    )

    test(
      "when one of two instances is killed, the other handles its deliveries",
      async () => {
        await using folder = countingFolder()
        await using other = countingFolder()
        const service = await folder.start(environmentOf(node))
        const doomed = await other.start(environmentOf(node))
        await waitUntil(async () => (await isReady(service)) && (await isReady(doomed)), "both to be ready")
        const load = new PublishLoad(service, CONNECTIONS)
        await waitUntil(() => other.journalLines().length >= 20, "both to handle events")
        await doomed.kill()
        const answered = load.answered.size
        await waitUntil(() => load.answered.size >= answered + PLENTY, "the load to go on")
        await load.stop()
        const handled = () => new Set([...folder.journalLines(), ...other.journalLines()])
        await waitUntil(
          () => load.answered.difference(handled()).size === 0,
          "every answered event to be handled",
        )
      },
      TIMEOUT_MS,
    )

    test(
      "sixteen concurrent events of 8 MiB are delivered whole",
      async () => {
        await using folder = new ServiceFolder()
        folder.write(
          "handlers/large.ts",
          `export default { queue: "custom_events", on: { async large(event) { ${folder.journal('event.id + " " + event.payload.text.length')} } } }`,
        )
        const service = await folder.start({ ...environmentOf(node), MAX_BODY_BYTES: String(9 * 1_048_576) })
        await waitUntil(() => isReady(service), "the service to be ready")
        const text = "x".repeat(8 * 1_048_576)
        const publishes = Array.from({ length: 16 }, () =>
          service.publish({ name: "large", payload: { text } }),
        )
        const ids = await Promise.all(publishes)
        await waitUntil(() => folder.journalLines().length >= ids.length, "all to be handled", TIMEOUT_MS / 2)
        expect([...folder.journalLines()].toSorted()).toEqual(
          ids.map((id) => `${id} ${text.length}`).toSorted(),
        )
      },
      TIMEOUT_MS,
    )

    // Last, because the queue is new afterwards.
    test(
      "a consumer that is cancelled at the moment it starts starts again",
      async () => {
        using proxy = await CancellingProxy.start(node.port)
        await using folder = countingFolder()
        const service = await folder.start({ ...environmentOf(node), RABBITMQ_PORT: String(proxy.port) })
        await waitUntil(() => proxy.begun >= 2, "the consumer to begin again")
        await waitUntil(async () => (await statusOf(service)) === "ready", "the service to consume")
        const id = await service.publish({ name: "counted" })
        await allHandled(folder, new Set([id]))
      },
      TIMEOUT_MS,
    )

    test(
      "the service survives the deletion of a consumed queue",
      async () => {
        await using folder = countingFolder()
        const service = await folder.start(environmentOf(node))
        await waitUntil(() => isReady(service), "the service to be ready")
        await node.manage("DELETE", "queues/%2F/custom_events")
        const publish = async () => {
          const response = await service.post("/api/v1/events", {
            type: "custom",
            name: "counted",
            payload: {},
          })
          return response.status === 201 ? ((await response.json()) as { id: string }).id : null
        }
        const answered = new Set<string>()
        await waitUntil(async () => {
          const id = await publish()
          if (id !== null) answered.add(id)
          return id !== null
        }, "the queue to be declared again")
        await allHandled(folder, answered)
      },
      TIMEOUT_MS,
    )
  })
}

async function statsOf(service: RunningService) {
  const stats = (await service.get("/api/v1/events/stats")).body as {
    queue_name: string
    message_count: number
    dead_letter_count: number
  }[]
  const found = stats.find(({ queue_name }) => queue_name === "custom_events")
  if (found === undefined) throw new Error("the service reports nothing about custom_events")
  return found
}

const waiting = async (service: RunningService) => (await statsOf(service)).message_count
