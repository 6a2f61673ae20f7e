import { expect, test } from "bun:test"
import type { AMQPProperties } from "@cloudamqp/amqp-client"
import { PublishError } from "../../../../src/engine/errors.ts"
import { HISTORY_STREAM } from "../../../../src/engine/rabbitmq/history/history-stream.ts"
import { streamProperties } from "../../../../src/engine/rabbitmq/history/stream-message.ts"
import { factsOf, KeepingFollower } from "../../../support/fact-follower.ts"
import { newEvent } from "../../../support/new-event.ts"
import { queueDeclaration } from "../../../support/queue-declaration.ts"
import { onEveryBroker } from "../../../support/rabbitmq/on-every-broker.ts"
import { proxied } from "../../../support/rabbitmq/proxied.ts"
import { SharedHost } from "../../../support/rabbitmq/shared-host.ts"
import { waitUntil } from "../../../support/wait-until.ts"

const TIMEOUT_MS = 60_000
const MANY = 300

const numbered = (count: number, queue = "calls") =>
  Array.from({ length: count }, (_, index) => newEvent({ routing_key: queue, name: `n${index}` }))

const isCaughtUp = (shared: SharedHost) =>
  waitUntil(() => factsOf(shared.engine).progress().isCaughtUp, "the follower to catch up")

onEveryBroker((node) => {
  const open = (overrides = {}) => SharedHost.open(node(), "quorum", { recordsFacts: true, ...overrides })

  test(
    "two engines record into one list, each in its own order, and all facts of a turn are one batch",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      const other = shared.newEngine({ recordsFacts: true })
      try {
        await other.declareQueues([queueDeclaration("calls")])
        await waitUntil(() => other.status().state === "ready", "the other engine")
        using follower = new KeepingFollower(shared.engine)
        using otherFollower = new KeepingFollower(other)
        const events = [numbered(MANY), numbered(MANY)]
        await Promise.all([
          ...(events[0] ?? []).map((event) => shared.engine.publish(event)),
          ...(events[1] ?? []).map((event) => other.publish(event)),
        ])
        for (const each of [follower, otherFollower]) {
          await waitUntil(() => each.facts.length === 2 * MANY, "all facts")
          expect(each.arrived.length).toBeLessThan(MANY / 10)
          for (const own of events) {
            const ids = own.map(({ id }) => id)
            const told = each.facts.flatMap((fact) => (fact.fact === "published" ? fact.event.id : []))
            expect(told.filter((id) => ids.includes(id))).toEqual(ids)
          }
        }
        expect(follower.arrived).toEqual(otherFollower.arrived)
        await isCaughtUp(shared)
      } finally {
        await other.close()
      }
    },
    TIMEOUT_MS,
  )

  test(
    "a follower goes on behind its position, without what it has and with all that it has not",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      const first = new KeepingFollower(shared.engine)
      for (const event of numbered(20)) await shared.engine.publish(event)
      await waitUntil(() => first.facts.length === 20, "the first facts")
      first[Symbol.dispose]()
      const later = numbered(20)
      for (const event of later) await shared.engine.publish(event)
      expect(first.facts).toHaveLength(20)
      using second = new KeepingFollower(shared.engine, first.position)
      await waitUntil(() => second.facts.length >= 20, "the later facts")
      await isCaughtUp(shared)
      expect(second.facts.map((fact) => fact.fact === "published" && fact.event.id)).toEqual(
        later.map(({ id }) => id),
      )
      const middle = first.arrived[9]
      second[Symbol.dispose]()
      using third = new KeepingFollower(shared.engine, middle?.position)
      await waitUntil(() => third.facts.length >= 30, "the facts behind the tenth")
      await isCaughtUp(shared)
      expect(third.arrived).toEqual([...first.arrived.slice(10), ...second.arrived])
    },
    TIMEOUT_MS,
  )

  test(
    "a refused publish is taken back, and one that nobody can send is not recorded",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      const refused = newEvent({ routing_key: "nobody" })
      await expect(shared.engine.publish(refused)).rejects.toBeInstanceOf(PublishError)
      const stored = newEvent({ routing_key: "calls" })
      await shared.engine.publish(stored, {
        trace: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: null },
        lineage: { causedBy: "cause", hops: 1, chain: [] },
      })
      await follower.found("published", ({ event }) => event.id === stored.id)
      expect(follower.kindsOf(refused.id)).toEqual(["published", "refused"])
      expect(follower.facts.at(-1)).toEqual({
        fact: "published",
        at: expect.any(Number),
        queues: ["calls"],
        trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        caused_by: "cause",
        event: stored,
      })
    },
    TIMEOUT_MS,
  )

  test(
    "what other programs put on the stream is skipped",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      await shared.engine.publish(newEvent({ routing_key: "calls" }))
      await follower.found("published")
      const own = streamProperties("facts", Bun.randomUUIDv7())
      const { appId, ...foreign } = own
      const forged: readonly (readonly [Buffer, AMQPProperties])[] = [
        [Buffer.from("{}"), {}],
        [Buffer.from("{}"), foreign],
        [Buffer.from("{}"), { ...own, type: "other" }],
        [Buffer.from("{}"), { ...own, messageId: "no token" }],
        [Buffer.from([0xff, 0xfe]), own],
        [Buffer.alloc(300_000), { ...foreign, headers: { "x-stream-offset": "none" } }],
      ]
      expect(appId).toBe("event-broker")
      for (const [body, properties] of forged)
        await shared.other.basicPublish("", HISTORY_STREAM, body, properties)
      const event = newEvent({ routing_key: "calls" })
      await shared.engine.publish(event)
      await follower.found("published", (fact) => fact.event.id === event.id)
      expect(follower.arrived).toHaveLength(2)
    },
    TIMEOUT_MS,
  )

  test(
    "a stream that is deleted under the service is declared again, and its follower goes on",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      for (const event of numbered(20)) await shared.engine.publish(event)
      await waitUntil(() => follower.facts.length === 20, "the first facts")
      await shared.other.queueDelete(HISTORY_STREAM)
      const event = newEvent({ routing_key: "calls" })
      await shared.engine.publish(event)
      await follower.found("published", (fact) => fact.event.id === event.id)
      expect(shared.log.filter(({ message }) => message.includes(HISTORY_STREAM))).toEqual([
        expect.objectContaining({
          message: `${HISTORY_STREAM} was missing on RabbitMQ and has been declared again`,
        }),
      ])
      expect(shared.engine.status()).toEqual({ state: "ready" })
      await isCaughtUp(shared)
    },
    TIMEOUT_MS,
  )

  test(
    "a stream that is deleted again and again, before what was stored is read, loses no fact of this instance",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      for (const event of numbered(20)) await shared.engine.publish(event)
      await waitUntil(() => follower.facts.length === 20, "the first facts")
      const events = numbered(4)
      for (const event of events) {
        await shared.other.queueDelete(HISTORY_STREAM)
        await shared.engine.publish(event)
      }
      for (const { id } of events) await follower.found("published", ({ event }) => event.id === id)
      expect(shared.log).toContainEqual(
        expect.objectContaining({
          message: "the history's stream was deleted: facts that were not read from it are stored again",
        }),
      )
      await isCaughtUp(shared)
      expect(factsOf(shared.engine).progress()).toMatchObject({ waiting: 0, dropped: 0 })
    },
    TIMEOUT_MS,
  )

  test(
    "a position in a stream that was made anew counts for nothing, also if the new one is as long",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      const first = new KeepingFollower(shared.engine)
      for (const event of numbered(5)) await shared.engine.publish(event)
      await waitUntil(() => first.facts.length === 5, "the first facts")
      first[Symbol.dispose]()
      await shared.other.queueDelete(HISTORY_STREAM)
      const events = numbered(30)
      for (const event of events) await shared.engine.publish(event)
      using second = new KeepingFollower(shared.engine, first.position)
      await waitUntil(() => second.facts.length === 30, "all facts of the new stream")
      expect(second.facts.map((fact) => fact.fact === "published" && fact.event.id)).toEqual(
        events.map(({ id }) => id),
      )
    },
    TIMEOUT_MS,
  )

  test(
    "a connection that is cut loses no fact, and the follower has each",
    async () => {
      await using shared = await open()
      using proxy = await proxied(node())
      const engine = shared.newEngine({ recordsFacts: true, access: proxy.access(shared) })
      try {
        await engine.declareQueues([queueDeclaration("calls")])
        await waitUntil(() => engine.status().state === "ready", "the engine")
        using follower = new KeepingFollower(engine)
        const ids: string[] = []
        for (let round = 0; round < 5; round++) {
          const publishing = numbered(50).map(async (event) => {
            await engine.publish(event)
            ids.push(event.id)
          })
          proxy.cut()
          await Promise.allSettled(publishing)
          await waitUntil(() => engine.status().state === "ready", "the engine again")
          const event = newEvent({ routing_key: "calls" })
          await engine.publish(event)
          ids.push(event.id)
        }
        for (const id of ids) await follower.found("published", (fact) => fact.event.id === id)
      } finally {
        await engine.close()
      }
    },
    TIMEOUT_MS,
  )
})
