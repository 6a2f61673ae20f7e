import { expect, test } from "bun:test"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { HISTORY_STREAM } from "../../../../src/engine/rabbitmq/history/history-stream.ts"
import type { HistoryFact } from "../../../../src/event/history-fact.ts"
import { ChildProcess } from "../../../support/child-process.ts"
import { idsOf, KeepingFollower } from "../../../support/fact-follower.ts"
import { failureRecord } from "../../../support/failure-record.ts"
import { Inbox } from "../../../support/inbox.ts"
import { newEvent } from "../../../support/new-event.ts"
import { queueDeclaration } from "../../../support/queue-declaration.ts"
import { statsOf } from "../../../support/queue-stats.ts"
import type { RabbitMqNode } from "../../../support/rabbitmq/node.ts"
import { onEveryBroker } from "../../../support/rabbitmq/on-every-broker.ts"
import { SharedHost } from "../../../support/rabbitmq/shared-host.ts"
import { newEngine } from "../../../support/rabbitmq/virtual-host.ts"
import { temporaryFolder } from "../../../support/temporary-folder.ts"
import { waitUntil } from "../../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

/** Lines after which the process is killed: at another moment of its turn each time. */
const KILLED_AT = [1, 137, 411]

const MAX_MESSAGE_BYTES = 20_000
const USUAL_MESSAGE_BYTES = 16_777_216

/** Above what a process reads of the stream at a time, and several segments. */
const LONG_BYTES = 6_000_000

async function setMaxMessageSize(node: RabbitMqNode, bytes: number): Promise<void> {
  await node.control(
    "eval",
    `application:set_env(rabbit, max_message_size, ${bytes}), persistent_term:put(max_message_size, ${bytes}).`,
  )
}

const idsWith = (facts: readonly HistoryFact[], kind: HistoryFact["fact"]) =>
  new Set(facts.filter(({ fact }) => fact === kind).flatMap(idsOf))

/** How often a process is killed whose answers do not wait for RabbitMQ to have their facts. */
const KILLS = 8

onEveryBroker((node) => {
  const open = (overrides = {}) => SharedHost.open(node(), "quorum", { recordsFacts: true, ...overrides })

  test(
    "what a killed process has answered, and RabbitMQ may not have, is recorded once the next one uses its folder",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using folder = temporaryFolder()
      using follower = new KeepingFollower(shared.engine)
      const script = new URL("../../../support/rabbitmq/record-until-killed.ts", import.meta.url)
      const confirmed: string[] = []
      for (let kill = 1; kill <= KILLS; kill++) {
        await using child = new ChildProcess(script, [JSON.stringify(shared.access), folder.path])
        await child.printed(50 * kill)
        await child.kill()
        confirmed.push(...child.lines)
      }
      const next = newEngine(shared.access, "quorum", { recordsFacts: true, journalFolder: folder.path })
      const missing = () => {
        const published = idsWith(follower.facts, "published")
        return confirmed.filter((id) => !published.has(id))
      }
      await waitUntil(() => missing().length === 0, "the facts of every answered publish")
      const ids = follower.facts.flatMap((fact) => (fact.fact === "published" ? [fact.event.id] : []))
      expect(ids.length).toBe(new Set(ids).size)
      const files = readdirSync(folder.path).map((name) => join(folder.path, name))
      expect(files.length).toBeGreaterThan(1)
      // Also what was in the stream already, because the killed process had not seen the confirm.
      const isEmpty = (file: string) => !readFileSync(file, "utf8").startsWith("#")
      await waitUntil(() => files.every(isEmpty), "an empty journal")
      await next.close()
      expect(files.map((file) => statSync(file).size)).toEqual(files.map(() => 0))
    },
    TIMEOUT_MS,
  )

  test(
    "a killed process leaves no confirmed event without its fact, and no handled one without its attempt",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      const script = new URL("../../../support/rabbitmq/record-until-killed.ts", import.meta.url)
      const confirmed: string[] = []
      for (const count of KILLED_AT) {
        await using child = new ChildProcess(script, [JSON.stringify(shared.access)])
        await child.printed(count)
        await child.kill()
        confirmed.push(...child.lines)
      }
      await waitUntil(async () => (await statsOf(shared.engine, "calls")).consumerCount === 0, "no consumer")
      const inbox = new Inbox(shared.engine, "calls")
      const { messageCount } = await statsOf(shared.engine, "calls")
      await waitUntil(() => inbox.deliveries.length >= messageCount, "what is left")
      const last = newEvent({ routing_key: "calls" })
      await shared.engine.publish(last)
      await follower.found("published", ({ event }) => event.id === last.id)
      await waitUntil(() => inbox.deliveries.some(({ body }) => body.includes(last.id)), "the last event")
      const left = new Set(inbox.deliveries.map(({ body }) => JSON.parse(body).id))
      const published = idsWith(follower.facts, "published")
      const handled = idsWith(follower.facts, "attempt")
      expect(confirmed.filter((id) => !published.has(id))).toEqual([])
      expect(confirmed.filter((id) => !left.has(id) && !handled.has(id))).toEqual([])
      // An event that is recorded exists, also if the process was killed before its confirm.
      expect([...published].filter((id) => !left.has(id) && !handled.has(id))).toEqual([])
      expect(handled.size).toBeGreaterThan(0)
    },
    TIMEOUT_MS,
  )

  test(
    "facts above RabbitMQ's message size are split, and a single one loses what is in its event",
    async () => {
      await using _ = { [Symbol.asyncDispose]: () => setMaxMessageSize(node(), USUAL_MESSAGE_BYTES) }
      // RabbitMQ 3 reads it when a channel is opened.
      await setMaxMessageSize(node(), MAX_MESSAGE_BYTES)
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      const payload = (length: number) => ({ text: "ü".repeat(length) })
      const large = Array.from({ length: 10 }, () =>
        newEvent({ routing_key: "calls", payload: payload(2_000) }),
      )
      await Promise.all(large.map((event) => shared.engine.publish(event)))
      const [first] = large
      if (first === undefined) throw new Error("unreachable: there are ten")
      const length = (MAX_MESSAGE_BYTES - 20 - JSON.stringify({ ...first, payload: payload(0) }).length) >> 1
      const nearly = newEvent({ routing_key: "calls", payload: payload(length) })
      await shared.engine.publish(nearly)
      const cut = await follower.found("published", ({ event }) => event.id === nearly.id)
      expect(cut).toMatchObject({ is_cut: true, event: { ...nearly, payload: {} } })
      const events = follower.facts.flatMap((fact) => (fact.fact === "published" ? [fact.event] : []))
      expect(events.slice(0, -1)).toEqual(large)
      for (const { text } of follower.arrived)
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES)
    },
    TIMEOUT_MS,
  )

  test(
    "a follower whose position was dropped by the retention begins with the first batch that is left",
    async () => {
      await using shared = await open({ history: { retentionMs: 3_600_000, maxBytes: 1_500_000 } })
      await shared.declare("calls")
      const first = new KeepingFollower(shared.engine)
      const event = newEvent({ routing_key: "calls" })
      await shared.engine.publish(event)
      await first.found("published")
      first[Symbol.dispose]()
      const text = "x".repeat(60_000)
      for (let bytes = 0; bytes < LONG_BYTES; bytes += text.length)
        await shared.engine.publish(newEvent({ routing_key: "calls", payload: { text } }))
      const isDropped = async (): Promise<boolean> => {
        await shared.engine.publish(newEvent({ routing_key: "calls", payload: { text } }))
        using oldest = new KeepingFollower(shared.engine)
        await oldest.found("published")
        return !oldest.facts.some((fact) => idsOf(fact).includes(event.id))
      }
      await waitUntil(isDropped, "the retention", 40_000, 200)
      using second = new KeepingFollower(shared.engine, first.position)
      const last = newEvent({ routing_key: "calls" })
      await shared.engine.publish(last)
      await second.found("published", (fact) => fact.event.id === last.id)
      expect(second.facts.length).toBeGreaterThan(1)
      expect(second.kindsOf(event.id)).toEqual([])
    },
    TIMEOUT_MS,
  )

  test(
    "an event that RabbitMQ itself made a dead letter is a fact once, when it is first listed",
    async () => {
      await using shared = await open()
      const { engine } = shared
      await engine.declareQueues([queueDeclaration("calls", { ttlMs: 50 })])
      await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
      using follower = new KeepingFollower(engine)
      const own = newEvent({ routing_key: "calls" })
      await engine.publish(own)
      const body = JSON.stringify({ id: "theirs", type: "custom", name: "tested", payload: {} })
      await shared.other.basicPublish("events", "calls", body)
      await shared.other.basicPublish("events", "calls", "no event")
      await waitUntil(async () => (await statsOf(engine, "calls")).deadLetterCount === 3, "the dead letters")
      for (let listing = 0; listing < 2; listing++) await engine.deadLetters("calls", {})
      await engine.purgeDeadLetters("calls", {})
      expect((await follower.found("purged")).ids?.toSorted()).toEqual([own.id, "theirs"].toSorted())
      const dead = follower.facts.flatMap((fact) => (fact.fact === "dead-lettered" ? [fact] : []))
      const common = { fact: "dead-lettered", at: expect.any(Number), queue: "calls", reason: "expired" }
      expect(dead.find(({ id }) => id === own.id)).toEqual<unknown>({ ...common, id: own.id })
      expect(dead.find(({ id }) => id === "theirs")).toMatchObject({ ...common, event: { id: "theirs" } })
      expect(dead).toHaveLength(2)
    },
    TIMEOUT_MS,
  )

  test(
    "a retry that is stored has its fact, and the stream is none of the queues of events",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      await shared.engine.publish(newEvent({ routing_key: "calls" }))
      const delivery = await new Inbox(shared.engine, "calls").next()
      const { id } = JSON.parse(delivery.body)
      await delivery.retry(10, failureRecord(), { fact: "replayed", at: 1, id, queue: "calls", replay: "r" })
      await follower.found("replayed")
      expect((await shared.engine.queueStats()).map(({ name }) => name)).toEqual(["calls"])
      expect(await shared.has(HISTORY_STREAM)).toBe(true)
    },
    TIMEOUT_MS,
  )
})
