import { expect, test } from "bun:test"
import type { EngineStatus } from "../../../src/engine/engine.ts"
import { deadLettersOf } from "../../support/dead-letters-of.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import type { ForeignField, ForeignProperties } from "../../support/rabbitmq/foreign-fields.ts"
import type { ForeignProgram } from "../../support/rabbitmq/foreign-program.ts"
import type { RabbitMqNode } from "../../support/rabbitmq/node.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { type Logged, SharedHost } from "../../support/rabbitmq/shared-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 90_000

const SMALL_FRAME_MAX = 8_192
const SMALL_MESSAGE_MAX = 50_000
const COUNT = 10
const OFFERED_AGAIN_MS = 2_000

const text = (length: number): ForeignField => ({ type: "S", value: "x".repeat(length) })
const KEPT = ["kept", text(500)] as const

/** Sets a limit of RabbitMQ that normally comes from its configuration, until disposed of. */
async function limit(node: RabbitMqNode, name: "frame_max" | "max_message_size", value: number) {
  const set = (term: string) =>
    node.control(
      "eval",
      `{ok, Before} = application:get_env(rabbit, ${name}),
       application:set_env(rabbit, ${name}, ${term}), persistent_term:put(${name}, ${term}), Before.`,
    )
  const before = await set(String(value))
  return {
    [Symbol.asyncDispose]: async () => {
      await set(before.trim())
    },
  }
}

function eventText(id: string, bytes = 0): string {
  const json = JSON.stringify(newEvent({ id, routing_key: "calls" })).replace(
    '"retry_count":0',
    '"retry_count":9',
  )
  return json.replace('"payload":{}', `"payload":{"text":"${"x".repeat(bytes)}"}`)
}

async function publish(program: ForeignProgram, body: string, properties: ForeignProperties): Promise<void> {
  program.publish("events", "calls", Buffer.from(body), properties)
  await program.confirmed()
}

const idOf = ({ body }: { readonly body: string }): string => JSON.parse(body).id

const told = (log: readonly Logged[], level: string) => log.filter((line) => line.level === level)

/**
 * Opens another engine of the host, whose channels use the current limits: RabbitMQ 3.10 reads them when a
 * channel opens.
 */
async function openEngine(host: SharedHost) {
  const log: Logged[] = []
  const states: EngineStatus["state"][] = []
  const engine = host.newEngine({
    report: (level, message, fields) => log.push({ level, message, fields }),
    onStatusChange: ({ state }) => states.push(state),
  })
  await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
  await engine.declareQueues([queueDeclaration("calls")])
  return { engine, log, states, [Symbol.asyncDispose]: () => engine.close() }
}

onEveryBroker((node) => {
  test(
    "a message whose headers and ours don't fit in one frame becomes a dead letter without its headers",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      await host.declare("calls")
      using program = await host.foreignProgram()
      await using _ = await limit(node(), "frame_max", SMALL_FRAME_MAX)
      await using opened = await openEngine(host)
      const { engine, log } = opened
      const inbox = new Inbox(engine, "calls")
      for (const [id, bytes] of [
        ["near", SMALL_FRAME_MAX - 100],
        ["beyond", 60_000],
        ["wide", 120_000],
      ] as const) {
        await publish(program, eventText(id), { messageId: id, headers: [["h", text(bytes)]] })
      }
      for (const delivery of await inbox.take(3)) await delivery.deadLetter(deadLetterRecord())
      await deadLettersOf(host.engine, "calls", {}).then((letters) => {
        expect(letters.map((letter) => [idOf(letter), letter.failure.reason])).toEqual([
          ["near", "attempts-exhausted"],
          ["beyond", "attempts-exhausted"],
          ["wide", "attempts-exhausted"],
        ])
      })
      // The largest headers are above the bound of any copy, so they are never kept.
      expect(told(log, "warn").map(({ fields }) => fields["id"])).toEqual(["near", "beyond"])
      expect(told(log, "error")).toEqual([])
    },
    TIMEOUT_MS,
  )

  test(
    "a body that RabbitMQ refuses because of our retry count is stored unchanged",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      await host.declare("calls")
      using program = await host.foreignProgram()
      const body = eventText("exact", 1_000)
      program.publish("", "calls", Buffer.from(body), {
        messageId: "exact",
        headers: [
          ["x-retry-count", { type: "I", value: 9 }],
          ["x-retry-of", { type: "S", value: "calls" }],
        ],
      })
      await program.confirmed()
      await using _ = await limit(node(), "max_message_size", body.length)
      await using opened = await openEngine(host)
      const { engine, log, states } = opened
      const inbox = new Inbox(engine, "calls")
      const delivery = await inbox.next()
      expect(delivery).toMatchObject({ attempt: 10, failedAttempts: 9, lastFailure: null })
      await delivery.retry(0, failureRecord({ attempts: 10 }))
      const again = await inbox.next()
      expect([again.attempt, again.body]).toEqual([11, body])
      const smaller = told(log, "warn").filter(({ message }) => message.includes("stored without"))
      expect(smaller.map(({ fields }) => fields["reason"])).toEqual([expect.stringContaining("message size")])
      expect(states).toEqual(["ready"])
    },
    TIMEOUT_MS,
  )

  test(
    "a body that RabbitMQ refuses because of its defaults is stored as it was, and stays the same event",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      await host.declare("calls")
      using program = await host.foreignProgram()
      const body = '{"type":"custom","name":"tested","payload":{"text":"as large as can be"}}'
      await publish(program, body, { messageId: "no\nid" })
      await using _ = await limit(node(), "max_message_size", body.length)
      await using opened = await openEngine(host)
      const { engine } = opened
      const inbox = new Inbox(engine, "calls")
      const first = await inbox.next()
      await first.retry(0, failureRecord())
      const again = await inbox.next()
      expect([again.attempt, again.malformed, idOf(again)]).toEqual([2, null, idOf(first)])
      await again.deadLetter(deadLetterRecord())
      await waitUntil(async () => (await host.depthOf("dead.calls")) === 1, "the dead letter")
      expect(await engine.redrive("calls", { ids: [idOf(first)] })).toEqual({ redriven: 1, remaining: 0 })
      const redriven = await inbox.next()
      expect([redriven.attempt, redriven.malformed, idOf(redriven)]).toEqual([1, null, idOf(first)])
    },
    TIMEOUT_MS,
  )

  test(
    "messages of which RabbitMQ accepts no copy become dead letters, and concurrent retries keep everything",
    async () => {
      // On a busy machine RabbitMQ 3.10 may lose the confirm of a message that it dead-letters, and retries
      // after three to six minutes.
      await node().control(
        "eval",
        `application:set_env(rabbit, dead_letter_worker_publisher_confirm_timeout, ${OFFERED_AGAIN_MS}).`,
      )
      await using host = await SharedHost.open(node(), "quorum")
      await host.declare("calls")
      using program = await host.foreignProgram()
      for (let at = 0; at < COUNT; at++) {
        const id = `large-${at}`
        await publish(program, eventText(id, SMALL_MESSAGE_MAX), { messageId: id, appId: "other program" })
        await publish(program, eventText(`small-${at}`), { messageId: `small-${at}`, headers: [KEPT] })
      }
      await using _ = await limit(node(), "max_message_size", SMALL_MESSAGE_MAX)
      await using opened = await openEngine(host)
      const { engine, log, states } = opened
      const inbox = new Inbox(engine, "calls")
      const deliveries = await inbox.take(2 * COUNT)
      const cancelled = inbox.subscription.cancel()
      const settled = deliveries.map((delivery) => delivery.retry(0, failureRecord()))
      const published = Array.from({ length: COUNT }, () =>
        engine.publish(newEvent({ routing_key: "calls" })),
      )
      await Promise.all([...settled, ...published, cancelled])
      // RabbitMQ dead-letters rejected messages a moment later.
      await waitUntil(
        async () => (await host.depthOf("dead.calls")) === COUNT,
        "the originals to be dead letters",
      )
      const letters = await deadLettersOf(engine, "calls", {})
      expect(new Set(letters.map(idOf))).toEqual(
        new Set(Array.from({ length: COUNT }, (_, at) => `large-${at}`)),
      )
      expect(letters[0]?.failure).toMatchObject({ reason: "rejected" })
      expect(letters[0]?.failure.lastFailedAt).toBeGreaterThan(0)
      expect(told(log, "error")).toHaveLength(COUNT)
      expect(told(log, "error")[0]?.fields).toMatchObject({
        queue: "calls",
        app_id: "other program",
        reason: expect.stringContaining(String(SMALL_MESSAGE_MAX)),
      })
      // RabbitMQ goes on counting rejected originals for a moment.
      await waitUntil(
        async () => (await host.depthOf("calls")) === 2 * COUNT,
        "the retries alone to be on the queue",
      )
      const kept: (Buffer | undefined)[] = []
      while (kept.length < 2 * COUNT) kept.push((await program.take("calls")).get("kept"))
      expect(kept.filter((header) => header?.length === 505)).toHaveLength(COUNT)
      expect(states).toEqual(["ready"])
    },
    TIMEOUT_MS,
  )

  test(
    "a message of which no copy is accepted is held while its dead-letter queue can't be declared",
    async () => {
      await using host = await SharedHost.open(node(), "classic")
      await host.declare("calls")
      using program = await host.foreignProgram()
      await publish(program, eventText("large", SMALL_MESSAGE_MAX), { messageId: "large" })
      await using _ = await limit(node(), "max_message_size", SMALL_MESSAGE_MAX)
      await using opened = await openEngine(host)
      const { engine } = opened
      await host.other.queueDelete("dead.calls")
      await host.permit({ configure: "^(?!dead).*" })
      const inbox = new Inbox(engine, "calls")
      const settled = (await inbox.next()).retry(0, failureRecord())
      await waitUntil(() => engine.report().heldDeliveries === 1, "the delivery to be held")
      expect(engine.status()).toMatchObject({ warning: expect.stringContaining("ACCESS_REFUSED") })
      await host.permit({})
      await settled
      await waitUntil(
        async () => (await host.depthOf("dead.calls")) === 1,
        "the original to be a dead letter",
      )
      expect((await deadLettersOf(engine, "calls", {})).map(idOf)).toEqual(["large"])
    },
    TIMEOUT_MS,
  )
})
