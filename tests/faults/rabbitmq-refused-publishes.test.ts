import { heapStats } from "bun:jsc"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { AMQPView } from "@cloudamqp/amqp-client/amqp-view"
import type { EngineStatus } from "../../src/engine/engine.ts"
import type { PublishError } from "../../src/engine/errors.ts"
import { type BrokerAccess, urlOf } from "../../src/engine/rabbitmq/connection/broker-address.ts"
import { BrokerClient } from "../../src/engine/rabbitmq/connection/broker-client.ts"
import { PublishChannel } from "../../src/engine/rabbitmq/publishing/publish-channel.ts"
import type { Event } from "../../src/event/envelope.ts"
import { decodeEvent } from "../../src/event/validate.ts"
import { Inbox } from "../support/inbox.ts"
import { newEvent } from "../support/new-event.ts"
import { queueDeclaration } from "../support/queue-declaration.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { newEngine, VirtualHost } from "../support/rabbitmq/virtual-host.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000
const MAX_MESSAGE_BYTES = 100_000
const OTHERS = 40
const TOO_LARGE = "urn:event-broker:problem:payload-too-large"

for (const installation of installations()) {
  describe(`on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
      const set = [
        `application:set_env(rabbit, max_message_size, ${MAX_MESSAGE_BYTES})`,
        // RabbitMQ 4 reads the limit from there.
        `persistent_term:put(max_message_size, ${MAX_MESSAGE_BYTES})`,
      ]
      await node.control("eval", `${set.join(", ")}.`)
    }, TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    /** Creates a user who may do everything on a virtual host except what the permissions exclude. */
    async function userOn(
      { name, access }: VirtualHost,
      permissions: { readonly write?: string; readonly topics?: string },
    ): Promise<BrokerAccess> {
      const user = `user-${name}`
      const all = { configure: ".*", write: ".*", read: ".*" }
      await node.manage("PUT", `users/${user}`, { password: "s3cret", tags: "" })
      const write = permissions.write ?? ".*"
      await node.manage("PUT", `permissions/${name}/${user}`, { ...all, write })
      if (permissions.topics !== undefined) {
        const topics = { exchange: "events", write: permissions.topics, read: ".*" }
        await node.manage("PUT", `topic-permissions/${name}/${user}`, topics)
      }
      return { ...access, user, password: "s3cret" }
    }

    /** Waits until a queue has delivered exactly these events. */
    async function allDelivered(engine: ReturnType<typeof newEngine>, events: readonly Event[]) {
      const ids = events.map(({ id }) => id)
      const inbox = new Inbox(engine, "calls")
      const delivered = () => new Set(inbox.deliveries.map(({ body }) => decodeEvent(body).id))
      await waitUntil(() => delivered().size >= ids.length, "every event to be delivered")
      expect([...delivered()].toSorted()).toEqual([...ids].toSorted())
    }

    const tooLarge = () =>
      newEvent({ routing_key: "calls", payload: { text: "x".repeat(MAX_MESSAGE_BYTES) } })

    test(
      "an event above RabbitMQ's maximum message size is refused permanently, and those in flight with it are stored",
      async () => {
        await using host = await VirtualHost.create(node)
        const reports: unknown[] = []
        const states: string[] = []
        const engine = newEngine(host.access, "quorum", {
          report: (...what) => reports.push(what),
          onStatusChange: ({ state }) => states.push(state),
        })
        await engine.declareQueues([queueDeclaration("calls")])
        const events = Array.from({ length: OTHERS }, () => newEvent({ routing_key: "calls" }))
        const results = await Promise.allSettled(
          events.flatMap((event, index) => [
            engine.publish(event),
            ...(index % 10 === 5 ? [engine.publish(tooLarge())] : []),
          ]),
        )
        const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []))
        expect(refused).toHaveLength(OTHERS / 10)
        for (const error of refused) {
          expect(error).toMatchObject({ code: "payload-too-large", outcome: "not-stored", isPermanent: true })
          expect(error.message).toContain(`at most ${MAX_MESSAGE_BYTES} bytes`)
        }
        expect(JSON.stringify(reports)).toContain(`max size ${MAX_MESSAGE_BYTES}`)
        expect(states).toEqual(["ready"])
        await allDelivered(engine, events)
        await engine.close()
      },
      TIMEOUT_MS,
    )

    test(
      "after the maximum is known, a larger event is refused without being sent",
      async () => {
        await using host = await VirtualHost.create(node)
        const reports: unknown[] = []
        const engine = newEngine(host.access, "quorum", { report: (...what) => reports.push(what) })
        await engine.declareQueues([queueDeclaration("calls")])
        for (let i = 0; i < 3; i++) {
          expect(await failureOf(engine.publish(tooLarge()))).toMatchObject({ code: "payload-too-large" })
        }
        expect(reports).toHaveLength(1)
        await engine.publish(newEvent({ routing_key: "calls" }))
        await engine.close()
      },
      TIMEOUT_MS,
    )

    test(
      "without write permission on the exchange the publish is refused permanently, with RabbitMQ's reply text and a health warning",
      async () => {
        await using host = await VirtualHost.create(node)
        const access = await userOn(host, { write: "^(?!events$).*" })
        const reports: unknown[] = []
        const states: string[] = []
        const engine = newEngine(access, "quorum", {
          report: (...what) => reports.push(what),
          onStatusChange: ({ state }) => states.push(state),
        })
        await engine.declareQueues([queueDeclaration("calls")])
        for (let i = 0; i < 3; i++) {
          const error = await failureOf(engine.publish(newEvent({ routing_key: "calls" })))
          expect(error).toMatchObject({ code: "engine-refused", outcome: "not-stored", isPermanent: true })
          expect(error.message).toMatch(/ACCESS_REFUSED - .*access to exchange 'events'/)
          expect(`${error.message} ${Bun.inspect(error)}`).not.toContain("s3cret")
        }
        expect(engine.status()).toMatchObject({
          state: "ready",
          warning: expect.stringContaining("ACCESS_REFUSED"),
        })
        expect(reports).toEqual([
          [
            "error",
            "the exchange events can't be used: events published there are refused",
            { reason: expect.stringContaining("ACCESS_REFUSED") },
          ],
        ])
        expect(states).toEqual(["ready"])
        await node.manage("PUT", `permissions/${host.name}/${access.user}`, {
          configure: ".*",
          write: ".*",
          read: ".*",
        })
        const published = () =>
          engine.publish(newEvent({ routing_key: "calls" })).then(
            () => true,
            () => false,
          )
        await waitUntil(published, "the permission to count")
        expect(engine.status()).toEqual({ state: "ready" })
        await engine.close()
      },
      TIMEOUT_MS,
    )

    test(
      "over HTTP only the culprit gets 413, also in a batch and from a handler, and others get 201",
      async () => {
        await using folder = new ServiceFolder()
        folder.write(
          "handlers/grow.ts",
          `export default { queue: "custom_events", on: {
            async grow(event, ctx) {
              const draft = { type: "user", name: "grown", payload: { text: "x".repeat(${MAX_MESSAGE_BYTES}) } }
              const error = await ctx.publish(draft).catch((error) => error)
              ${folder.journal("error.code + ' ' + error.retryable")}
            },
          } }`,
        )
        const service = await folder.start({
          RABBITMQ_HOST: "127.0.0.1",
          RABBITMQ_PORT: String(node.port),
          WORKER_POOL_SIZE: "1",
        })
        await waitUntil(
          async () => (await service.get("/health/ready")).status === 200,
          "the service to be ready",
        )
        const small = { type: "user", name: "small", payload: {} }
        const big = { ...small, payload: { text: "x".repeat(MAX_MESSAGE_BYTES) } }
        const permanent = { status: 413, type: TOO_LARGE, retryable: false, outcome: "not-stored" }
        const [single, batch, ...others] = await Promise.all([
          service.post("/api/v1/events", big),
          service.post("/api/v1/events/batch", { events: [small, big, small] }),
          ...Array.from({ length: OTHERS }, () => service.post("/api/v1/events", small)),
        ])
        expect(await single.json()).toMatchObject(permanent)
        expect(batch.status).toBe(207)
        expect(await batch.json()).toMatchObject({ count: 2, events: [{}, { problem: permanent }, {}] })
        expect(others.map(({ status }) => status)).toEqual(Array(OTHERS).fill(201))
        await service.publish({ name: "grow" })
        await waitUntil(() => folder.journalLines().length > 0, "the handler to receive the outcome")
        expect(folder.journalLines()).toEqual(["payload-too-large false"])
        expect(await service.stop()).toBe(0)
      },
      TIMEOUT_MS,
    )

    test(
      "over HTTP a publish without permission is answered 500, not retryable, and the health is degraded",
      async () => {
        await using host = await VirtualHost.create(node)
        const access = await userOn(host, { write: "^(?!events$).*" })
        await using folder = new ServiceFolder()
        const service = await folder.start({
          RABBITMQ_HOST: "127.0.0.1",
          RABBITMQ_PORT: String(node.port),
          RABBITMQ_USER: access.user,
          RABBITMQ_PASSWORD: access.password,
          RABBITMQ_VHOST: access.vhost,
          WORKER_POOL_SIZE: "1",
        })
        await waitUntil(
          async () => (await service.get("/health/ready")).status === 200,
          "the service to be ready",
        )
        const refused = await service.post("/api/v1/events", { type: "user", name: "small", payload: {} })
        expect(await refused.json()).toMatchObject({
          status: 500,
          type: "urn:event-broker:problem:engine-refused",
          detail: expect.stringContaining("ACCESS_REFUSED"),
          retryable: false,
          outcome: "not-stored",
        })
        expect((await service.get("/health")).body).toMatchObject({
          status: "degraded",
          checks: { engine: { status: "degraded", detail: expect.stringContaining("ACCESS_REFUSED") } },
        })
        expect(await service.stop()).toBe(0)
        expect(service.stdout).toContain("ACCESS_REFUSED")
        expect(service.stdout).not.toContain("s3cret")
      },
      TIMEOUT_MS,
    )

    test(
      "only the event with a forbidden topic is refused",
      async () => {
        await using host = await VirtualHost.create(node)
        const engine = newEngine(await userOn(host, { topics: "^(?!secret).*" }), "quorum")
        await engine.declareQueues([queueDeclaration("calls"), queueDeclaration("secret")])
        const events = Array.from({ length: OTHERS }, () => newEvent({ routing_key: "calls" }))
        const [forbidden] = await Promise.all([
          failureOf(engine.publish(newEvent({ routing_key: "secret" }))),
          ...events.map((event) => engine.publish(event)),
        ])
        expect(forbidden).toMatchObject({ code: "engine-refused" })
        await allDelivered(engine, events)
        await engine.close()
      },
      TIMEOUT_MS,
    )

    test(
      "a message that RabbitMQ refuses without naming it is found, and those in flight with it are stored",
      async () => {
        await using host = await VirtualHost.create(node)
        await using publishing = await openChannel(host.access)
        const { channel, client } = publishing
        const ofOther = { exchange: "", routingKey: "plain", body: "{}", properties: { userId: "somebody" } }
        await (await client.channel()).queueDeclare("plain", { durable: true })
        const others = Array.from({ length: OTHERS }, (_, index) =>
          channel.publish({
            exchange: "",
            routingKey: "plain",
            body: "{}",
            properties: { messageId: `${index}` },
          }),
        )
        const error = await failureOf(channel.publish(ofOther))
        expect(error).toMatchObject({ code: "engine-refused", outcome: "not-stored" })
        expect(error.message).toContain("user_id property set to 'somebody'")
        await Promise.all(others)
        expect(publishing.lost).toBe(0)
      },
      TIMEOUT_MS,
    )

    test(
      "only the message that can't be encoded is refused, and nothing is sent",
      async () => {
        await using host = await VirtualHost.create(node)
        await using publishing = await openChannel(host.access)
        const properties = { messageId: "x".repeat(300) }
        const unwritable = { exchange: "", routingKey: "plain", body: "{}", properties }
        expect(await failureOf(publishing.channel.publish(unwritable))).toMatchObject({
          code: "engine-refused",
          outcome: "not-stored",
        })
        const unroutable = { ...unwritable, properties: {} }
        expect(await failureOf(publishing.channel.publish(unroutable))).toMatchObject({ code: "unroutable" })
      },
      TIMEOUT_MS,
    )

    test(
      "a deleted exchange is declared again, and the publishes that found it missing are stored",
      async () => {
        await using host = await VirtualHost.create(node)
        const log: string[] = []
        const states: string[] = []
        const engine = newEngine(host.access, "quorum", {
          report: (_, message) => log.push(message),
          onStatusChange: ({ state }) => states.push(state),
        })
        await engine.declareQueues([queueDeclaration("calls")])
        const seen: string[] = []
        const end = await engine.watch({
          onEvent: ({ routingKey }) => seen.push(routingKey),
          onGap: () => seen.push("gap"),
        })
        await node.manage("DELETE", `exchanges/${host.name}/events`)
        const events = Array.from({ length: OTHERS }, () => newEvent({ routing_key: "calls" }))
        await Promise.all(events.map((event) => engine.publish(event)))
        expect(states).toEqual(["ready"])
        expect(log).toEqual(["the exchange events was missing on RabbitMQ and has been declared again"])
        await waitUntil(() => seen[0] === "gap", "the watchers to see a gap")
        end()
        await allDelivered(engine, events)
        await engine.close()
      },
      TIMEOUT_MS,
    )

    test(
      "a publish that waits for its confirm is stored again when its channel is reopened",
      async () => {
        await using host = await VirtualHost.create(node)
        await using publishing = await openChannel(host.access)
        const { channel, client } = publishing
        const other = await client.channel()
        const depth = async () => (await other.queueDeclare("plain", { durable: true })).messageCount
        await depth()
        client.isDeaf = true
        const stored = channel.publish({ exchange: "", routingKey: "plain", body: "{}", properties: {} })
        await waitUntil(async () => (await depth()) === 1, "the event to be on the queue")
        client.isDeaf = false
        channel.renew()
        await stored
        expect(await depth()).toBe(2)
        expect(publishing.lost).toBe(0)
      },
      TIMEOUT_MS,
    )

    test(
      "publishes without a confirm keep no memory, and a probe detects that confirms resume",
      async () => {
        await using host = await VirtualHost.create(node)
        const confirmTimeoutMs = 400
        await using publishing = await openChannel(host.access, { confirmTimeoutMs })
        const { channel, client, states } = publishing
        await (await client.channel()).queueDeclare("plain", { durable: true })
        client.isDeaf = true
        const before = buffersHeld()
        const lost = await Promise.all(
          Array.from({ length: OTHERS }, (_, index) =>
            failureOf(
              channel.publish({
                exchange: "",
                routingKey: "plain",
                body: new Uint8Array(MAX_MESSAGE_BYTES),
                properties: { messageId: `${index}` },
              }),
            ),
          ),
        )
        expect(lost.map(({ code, outcome }) => `${code} ${outcome}`)).toEqual(
          Array(OTHERS).fill("confirm-timeout unknown"),
        )
        await waitUntil(() => channel.status.state === "unavailable", "the stall to be noticed")
        await waitUntil(() => buffersHeld() < before + OTHERS / 2, "the messages to be let go")
        const plain = { exchange: "", routingKey: "plain", body: "{}", properties: {} }
        expect(await failureOf(channel.publish(plain))).toMatchObject({
          code: "engine-unavailable",
          outcome: "not-stored",
        })
        client.isDeaf = false
        await waitUntil(() => channel.status.state === "ready", "a probe to be confirmed")
        expect(states).toEqual(["unavailable", "ready"])
        await channel.publish(plain)
        expect(channel.inFlight).toBe(0)
      },
      TIMEOUT_MS,
    )
  })
}

/** Returns the error of a publish. */
const failureOf = (publish: Promise<unknown>): Promise<PublishError> =>
  publish.then(
    () => Promise.reject(new Error("it was stored")),
    (error: PublishError) => error,
  )

const METHOD = 1
const BASIC_ACK = [60, 80]

/** A client that receives no confirms while it is deaf. */
class DeafClient extends BrokerClient {
  isDeaf = false

  protected override parseFrames(frame: AMQPView): void {
    const isAck =
      frame.getUint8(0) === METHOD &&
      frame.getUint16(7) === BASIC_ACK[0] &&
      frame.getUint16(9) === BASIC_ACK[1]
    if (!(isAck && this.isDeaf)) super.parseFrames(frame)
  }
}

/** Returns how many buffers the garbage collector can't free. */
function buffersHeld(): number {
  Bun.gc(true)
  return heapStats().objectTypeCounts["ArrayBuffer"] ?? 0
}

/** Opens a publishing channel on a connection of its own. */
async function openChannel(access: BrokerAccess, { confirmTimeoutMs = 10_000 } = {}) {
  const [address] = access.addresses
  if (address === undefined) throw new Error("no address is given")
  const client = new DeafClient(urlOf(access, address, "a test"))
  await client.connect()
  const states: EngineStatus["state"][] = []
  const publishing = {
    client,
    /** The states that the channel reported. */
    states,
    /** How often the channel could not be reopened. */
    lost: 0,
    channel: await PublishChannel.open(client, {
      confirmTimeoutMs,
      restore: async () => {},
      onLost: () => publishing.lost++,
      onStatusChange: () => states.push(publishing.channel.status.state),
      report: () => {},
    }),
    [Symbol.asyncDispose]: () => client.close(),
  }
  return publishing
}
