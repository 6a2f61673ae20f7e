import { expect, test } from "bun:test"
import { HISTORY_STREAM } from "../../../../src/engine/rabbitmq/history/history-stream.ts"
import type { RabbitMqEngine } from "../../../../src/engine/rabbitmq/rabbitmq-engine.ts"
import { factsOf, idsOf, KeepingFollower } from "../../../support/fact-follower.ts"
import { newEvent } from "../../../support/new-event.ts"
import { queueDeclaration } from "../../../support/queue-declaration.ts"
import type { RabbitMqNode } from "../../../support/rabbitmq/node.ts"
import { onEveryBroker } from "../../../support/rabbitmq/on-every-broker.ts"
import { proxied } from "../../../support/rabbitmq/proxied.ts"
import { SharedHost } from "../../../support/rabbitmq/shared-host.ts"
import { waitUntil } from "../../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

/** Publishes one event after the other until it is disposed, which writes hundreds of batches a second. */
class Traffic implements AsyncDisposable {
  readonly ids: string[] = []
  readonly #running: Promise<void>
  #isOver = false

  constructor(engine: RabbitMqEngine) {
    this.#running = this.#run(engine)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(engine: RabbitMqEngine): Promise<void> {
    while (!this.#isOver) {
      const event = newEvent({ routing_key: "calls" })
      // An event may be refused while a connection is lost.
      await engine.publish(event).then(
        () => this.ids.push(event.id),
        () => Bun.sleep(10),
      )
    }
  }
}

/** Returns how many of these engines read the history: each also consumes the register of queues, and the queue that counts instances. */
async function readers(node: RabbitMqNode, { access }: SharedHost, engines: number): Promise<number> {
  const listed = await node.control("list_channels", "--no-table-headers", "vhost", "consumer_count")
  const counts = listed.split("\n").map((line) => line.split("\t"))
  const consumers = counts.reduce(
    (sum, [vhost, count]) => sum + (vhost === access.vhost ? Number(count) : 0),
    0,
  )
  return consumers - 2 * engines
}

const publishedIn = (follower: KeepingFollower) =>
  follower.facts.flatMap((fact) => (fact.fact === "published" ? [fact.event.id] : []))

/** Returns the batches of a follower, however they arrived. */
const batchesOf = (follower: KeepingFollower) =>
  follower.arrived.map(({ token, position, text }) => ({ token, position, text }))

const hasAll = (follower: KeepingFollower, ids: readonly string[]) => {
  const known = new Set(follower.facts.flatMap(idsOf))
  return ids.every((id) => known.has(id))
}

onEveryBroker((node) => {
  const open = (overrides = {}) => SharedHost.open(node(), "quorum", { recordsFacts: true, ...overrides })

  /**
   * Waits until an engine writes so much that it no longer reads. A look at the end of the stream takes a moment.
   * @param others how many of the engines go on reading
   */
  const writesAlone = (shared: SharedHost, engines = 1, others = 0) =>
    waitUntil(async () => (await readers(node(), shared, engines)) === others, "the stream not to be read")

  test(
    "an engine that writes alone does not read the stream, and its follower has each batch once, in order, with its position",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      const traffic = new Traffic(shared.engine)
      {
        await using _ = traffic
        await writesAlone(shared)
        const before = follower.facts.length
        await waitUntil(() => follower.facts.length > before + 100, "facts that were not read")
        expect(factsOf(shared.engine).progress()).toMatchObject({ isCaughtUp: true, failure: null })
      }
      await waitUntil(() => hasAll(follower, traffic.ids), "all facts")
      expect(publishedIn(follower)).toEqual(traffic.ids)
      expect(new Set(follower.arrived.map(({ token }) => token)).size).toBe(follower.arrived.length)
      follower[Symbol.dispose]()
      using all = new KeepingFollower(shared.engine)
      await waitUntil(() => hasAll(all, traffic.ids), "the whole stream")
      expect(batchesOf(follower)).toEqual(batchesOf(all))
      // What is read may be another program's.
      expect(follower.arrived.some(({ isOwn }) => isOwn)).toBe(true)
      expect(all.arrived.some(({ isOwn }) => isOwn)).toBe(false)
    },
    TIMEOUT_MS,
  )

  test(
    "what was stored before a question is delivered, and nothing reads the stream for it",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      await using _ = new Traffic(shared.engine)
      await writesAlone(shared)
      for (let round = 0; round < 10; round++) {
        const event = newEvent({ routing_key: "calls" })
        await shared.engine.publish(event)
        await factsOf(shared.engine).delivered()
        expect(hasAll(follower, [event.id])).toBe(true)
      }
    },
    TIMEOUT_MS,
  )

  test(
    "the facts of another engine that begins to write arrive in the order of the stream",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      const other = shared.newEngine({ recordsFacts: true })
      try {
        await other.declareQueues([queueDeclaration("calls")])
        await waitUntil(() => other.status().state === "ready", "the other engine")
        using otherFollower = new KeepingFollower(other)
        using follower = new KeepingFollower(shared.engine)
        const traffic = new Traffic(shared.engine)
        const ids: string[] = []
        {
          await using _ = traffic
          await writesAlone(shared, 2, 1)
          for (let n = 0; n < 20; n++) {
            const event = newEvent({ routing_key: "calls" })
            await other.publish(event)
            ids.push(event.id)
            await factsOf(shared.engine).delivered()
            expect(hasAll(follower, [event.id])).toBe(true)
          }
        }
        const everything = [...ids, ...traffic.ids]
        await waitUntil(() => hasAll(follower, everything) && hasAll(otherFollower, everything), "all facts")
        expect(batchesOf(follower)).toEqual(batchesOf(otherFollower))
      } finally {
        await other.close()
      }
    },
    TIMEOUT_MS,
  )

  test(
    "a connection that is cut while an engine writes alone loses no fact",
    async () => {
      await using shared = await open()
      using proxy = await proxied(node())
      const engine = shared.newEngine({ recordsFacts: true, access: proxy.access(shared) })
      try {
        await engine.declareQueues([queueDeclaration("calls")])
        await waitUntil(() => engine.status().state === "ready", "the engine")
        using follower = new KeepingFollower(engine)
        const traffic = new Traffic(engine)
        {
          await using _ = traffic
          for (let round = 0; round < 3; round++) {
            await writesAlone(shared, 2)
            proxy.cut()
            const before = traffic.ids.length
            await waitUntil(() => traffic.ids.length > before + 100, "the traffic to go on")
          }
        }
        await waitUntil(() => hasAll(follower, traffic.ids), "all facts")
      } finally {
        await engine.close()
      }
    },
    TIMEOUT_MS,
  )

  test(
    "a stream that is deleted while an engine writes alone is declared again, and its follower goes on",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      await using _ = new Traffic(shared.engine)
      await writesAlone(shared)
      await shared.other.queueDelete(HISTORY_STREAM)
      const event = newEvent({ routing_key: "calls" })
      await shared.engine.publish(event)
      await follower.found("published", (fact) => fact.event.id === event.id)
    },
    TIMEOUT_MS,
  )
})
