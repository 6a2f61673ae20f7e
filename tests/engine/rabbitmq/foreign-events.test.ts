import { expect, test } from "bun:test"
import type { StoredBody } from "../../../src/engine/engine.ts"
import { decodeEvent } from "../../../src/event/validate.ts"
import { deadLettersOf } from "../../support/dead-letters-of.ts"
import { deadLetterRecord, failureRecord } from "../../support/failure-record.ts"
import { Inbox } from "../../support/inbox.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import type { ForeignField, ForeignProperties } from "../../support/rabbitmq/foreign-fields.ts"
import type { ForeignProgram } from "../../support/rabbitmq/foreign-program.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { SharedHost } from "../../support/rabbitmq/shared-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

/** In the past: a message of that time was not just seen for the first time. */
const TIMESTAMP = 1_700_000_000n

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

/** An event as a program in another language publishes it. */
const PLAIN =
  '{"type": "voice", "name": "call.ended", "payload": {"call_id": "c-1", "n": 12345678901234567890}}'

const text = (value: string): ForeignField => ({ type: "S", value })

const STRUCTURED: readonly [string, ForeignProperties] = [
  JSON.stringify({
    specversion: "1.0",
    id: "c-1/ended",
    source: "/calls",
    type: "voice.call.ended",
    time: "2024-02-29T12:00:00Z",
    priority: "high",
    answered: true,
    sequence: 7,
    traceparent: TRACEPARENT,
    data: { call_id: "c-1" },
  }),
  { contentType: "application/cloudevents+json; charset=utf-8" },
]

/** The same in binary mode, with one prefix for the attributes or the other, as native types or as texts. */
const BINARY: readonly (readonly [string, ForeignProperties])[] = [
  ["cloudEvents:", true] as const,
  ["cloudEvents_", false] as const,
].map(([prefix, isNative]) => [
  '{"call_id":"c-1"}',
  {
    contentType: "application/json",
    headers: [
      [`${prefix}specversion`, text("1.0")],
      [`${prefix}id`, text("c-1/ended")],
      [`${prefix}source`, text("/calls")],
      [`${prefix}type`, text("voice.call.ended")],
      [`${prefix}time`, isNative ? { type: "T", value: 1_709_208_000n } : text("2024-02-29T12:00:00Z")],
      [`${prefix}priority`, text("high")],
      [`${prefix}answered`, isNative ? { type: "t", value: 1 } : text("true")],
      [`${prefix}sequence`, isNative ? { type: "l", value: 7n } : text("7")],
      [`${prefix}subject`, { type: "V" }],
      [`${prefix}traceparent`, text(TRACEPARENT)],
      ["other", text("kept")],
    ],
  },
])

async function publish(program: ForeignProgram, body: string, properties: ForeignProperties): Promise<void> {
  program.publish("events", "calls", Buffer.from(body), properties)
  await program.confirmed()
}

/** The event, whatever became of it: with the count of its retries as it was published. */
const asPublished = ({ body }: { readonly body: string }) => ({ ...decodeEvent(body), retry_count: 0 })

onEveryBroker((node) => {
  test(
    "another program's count of deliveries, copied from another queue, is no attempt of this one",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      await host.declare("calls")
      using program = await host.foreignProgram()
      await publish(program, PLAIN, { headers: [["x-delivery-count", { type: "I", value: 5 }]] })
      const delivery = await new Inbox(host.engine, "calls").next()
      expect(delivery.attempt).toBe(1)
      await delivery.ack()
    },
    TIMEOUT_MS,
  )

  test.each<readonly [string, string, ForeignProperties]>([
    ["without properties", PLAIN, {}],
    ["with a message id and a timestamp", PLAIN, { messageId: "m-1", timestamp: TIMESTAMP }],
    ["with a message id that no event can have", PLAIN, { messageId: "a\nb", contentType: "text/plain" }],
    ["that is a structured CloudEvent", ...STRUCTURED],
    ...BINARY.map((each) => ["that is a binary CloudEvent", ...each] as const),
  ])(
    "another program's message %s is one event, live, delivered, retried, dead and redriven",
    async (_, body, properties) => {
      await using host = await SharedHost.open(node(), "quorum")
      const { engine } = host
      await engine.declareQueues([
        queueDeclaration("calls"),
        queueDeclaration("copies", { bindings: ["calls"] }),
      ])
      await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
      const seen: StoredBody[] = []
      const unwatch = await engine.watch({ onEvent: (each) => seen.push(each), onGap: () => {} })
      const inbox = new Inbox(engine, "calls")
      const copies = new Inbox(engine, "copies")
      using program = await host.foreignProgram()
      await publish(program, body, properties)

      const first = await inbox.next()
      const event = decodeEvent(first.body)
      expect(first).toMatchObject({ malformed: null, isForeign: true, attempt: 1 })
      expect(event).toMatchObject({ type: "voice", name: "call.ended", routing_key: "calls", retry_count: 0 })
      expect(asPublished(await copies.next())).toEqual(event)
      await waitUntil(() => seen.length > 0, "the live stream to show it")
      expect(seen.map(({ malformed }) => malformed)).toEqual([null])
      expect(seen.map(asPublished)).toEqual([event])

      await first.retry(0, failureRecord())
      const second = await inbox.next()
      expect(decodeEvent(second.body)).toEqual({ ...event, retry_count: 1 })
      expect(second).toMatchObject({
        malformed: null,
        attempt: 2,
        priority: first.priority,
        trace: first.trace,
      })
      await second.deadLetter(deadLetterRecord())
      await waitUntil(async () => (await host.depthOf("dead.calls")) === 1, "the dead letter")
      const selection = { ids: [event.id], name: "call.ended", within: ["calls"] }
      for (let looks = 0; looks < 2; looks++) {
        const letters = await deadLettersOf(engine, "calls", selection)
        expect(letters.map(asPublished)).toEqual([event])
      }
      expect(await engine.redrive("calls", selection)).toEqual({ redriven: 1, remaining: 0 })
      const redriven = await inbox.next()
      expect(decodeEvent(redriven.body)).toEqual(event)
      expect(redriven).toMatchObject({
        malformed: null,
        attempt: 1,
        priority: first.priority,
        trace: first.trace,
      })
      unwatch()
    },
    TIMEOUT_MS,
  )

  test(
    "id, topic and time are taken from the message; the payload keeps its text, and the priority is medium",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      await host.declare("calls")
      const inbox = new Inbox(host.engine, "calls")
      using program = await host.foreignProgram()
      await publish(program, PLAIN, { messageId: "m-1", timestamp: TIMESTAMP })
      const { body, priority } = await inbox.next()
      expect(body).toStartWith(PLAIN.slice(0, -1))
      expect(priority).toBe(4)
      expect(decodeEvent(body)).toMatchObject({
        id: "m-1",
        routing_key: "calls",
        priority: "medium",
        metadata: {},
        timestamp: Number(TIMESTAMP),
      })
      const before = Date.now() / 1_000
      await publish(program, PLAIN, { timestamp: TIMESTAMP * 1_000n })
      expect(decodeEvent((await inbox.next()).body).timestamp).toBeGreaterThanOrEqual(Math.floor(before))
    },
    TIMEOUT_MS,
  )

  test(
    "a message that is published to a queue, or among its dead letters, has the topic of its type and name",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      const { engine } = host
      await host.declare("calls")
      using program = await host.foreignProgram()
      program.publish("", "dead.calls", Buffer.from(PLAIN), { messageId: "m-1" })
      program.publish("", "calls", Buffer.from(PLAIN), { messageId: "m-2" })
      await program.confirmed()
      const [letter] = await deadLettersOf(engine, "calls", { ids: ["m-1"], within: ["events.voice"] })
      expect(letter?.failure.reason).toBe("rejected")
      expect(await engine.redrive("calls", {})).toEqual({ redriven: 1, remaining: 0 })
      const deliveries = await new Inbox(engine, "calls").take(2)
      const [direct, redriven] = deliveries.map(({ body }) => decodeEvent(body))
      expect(direct).toMatchObject({ id: "m-2", routing_key: "events.voice.call.ended" })
      expect(redriven).toEqual(decodeEvent(letter?.body ?? ""))
      expect(redriven).toMatchObject({ id: "m-1", routing_key: "events.voice.call.ended" })
    },
    TIMEOUT_MS,
  )

  test(
    "a CloudEvent's attributes are in the event alone, and its trace is that of the delivery",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      await host.declare("calls")
      const inbox = new Inbox(host.engine, "calls")
      using program = await host.foreignProgram()
      for (const [body, properties] of [STRUCTURED, ...BINARY]) {
        await publish(program, body, properties)
        const delivery = await inbox.next()
        expect(decodeEvent(delivery.body)).toMatchObject({
          id: "c-1/ended",
          priority: "high",
          payload: { call_id: "c-1" },
          timestamp: 1_709_208_000,
          metadata: { source: "/calls", answered: expect.anything(), traceparent: TRACEPARENT },
        })
        expect(delivery).toMatchObject({ priority: 7, trace: { traceparent: TRACEPARENT } })
        await delivery.deadLetter(deadLetterRecord())
        await waitUntil(async () => (await host.depthOf("dead.calls")) === 1, "the dead letter")
        const headers = [...(await program.take("dead.calls")).keys()]
        expect(headers.filter((name) => name.startsWith("cloudEvents"))).toEqual([])
        expect(headers).toContain("traceparent")
        if (properties.headers !== undefined) expect(headers).toContain("other")
      }
    },
    TIMEOUT_MS,
  )

  test.each<readonly [string, ForeignProperties]>([
    ["without a timestamp is the same event, and at another instance all of it but its time", {}],
    ["with a timestamp is the same event at any instance", { timestamp: TIMESTAMP }],
  ])(
    "a message that is delivered again %s",
    async (_, properties) => {
      await using host = await SharedHost.open(node(), "quorum")
      await host.declare("calls")
      using program = await host.foreignProgram()
      await publish(program, PLAIN, properties)
      const inbox = new Inbox(host.engine, "calls")
      const first = await inbox.next()
      await first.release()
      const again = await inbox.next()
      expect(again.body).toBe(first.body)
      const cancelled = inbox.subscription.cancel()
      await again.release()
      await cancelled
      const other = host.newEngine({})
      try {
        await other.declareQueues([queueDeclaration("calls")])
        const elsewhere = decodeEvent((await new Inbox(other, "calls").next()).body)
        const event = decodeEvent(first.body)
        expect(elsewhere).toEqual({ ...event, timestamp: elsewhere.timestamp })
        if ("timestamp" in properties) expect(elsewhere).toEqual(event)
      } finally {
        await other.close()
      }
    },
    TIMEOUT_MS,
  )

  test(
    "a message that expires before anybody takes it is the event that the live stream has shown",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      const { engine } = host
      await engine.declareQueues([queueDeclaration("calls", { ttlMs: 200 })])
      await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
      const seen: StoredBody[] = []
      const unwatch = await engine.watch({ onEvent: (each) => seen.push(each), onGap: () => {} })
      using program = await host.foreignProgram()
      await publish(program, PLAIN, {})
      await publish(program, PLAIN, {
        timestamp: TIMESTAMP,
        messageId: "m-1",
        headers: [["CC", { type: "A", value: [text("calls")] }]],
      })
      await waitUntil(async () => (await host.depthOf("dead.calls")) === 2, "both to expire")
      const letters = await deadLettersOf(engine, "calls", {})
      expect(letters.map(({ failure }) => failure.reason)).toEqual(["expired", "expired"])
      const [untimed, timed] = letters.map(asPublished)
      const [liveUntimed, liveTimed] = seen.map(asPublished)
      expect(timed).toEqual(liveTimed)
      // Nobody kept the time at which the live stream saw it.
      expect({ ...untimed, timestamp: 0 }).toEqual({ ...liveUntimed, timestamp: 0 })
      expect(untimed?.timestamp).toBe((letters[0]?.failure.firstFailedAt ?? 0) / 1_000)
      unwatch()
    },
    TIMEOUT_MS,
  )

  test(
    "a message that is not an event keeps its content type and headers as a dead letter and when it is redriven",
    async () => {
      await using host = await SharedHost.open(node(), "quorum")
      const { engine } = host
      await host.declare("calls")
      const inbox = new Inbox(engine, "calls")
      using program = await host.foreignProgram()
      const headers: ForeignProperties["headers"] = [
        ["cloudEvents:specversion", text("1.0")],
        ["cloudEvents:id", text("c-1")],
      ]
      await publish(program, "{}", { headers })
      const first = await inbox.next()
      const reason = "the message is not a CloudEvent: /source is required; /type is required"
      expect([first.body, first.malformed?.message]).toEqual(["{}", reason])
      await first.deadLetter(deadLetterRecord())
      await waitUntil(async () => (await host.depthOf("dead.calls")) === 1, "the dead letter")
      expect(await engine.redrive("calls", {})).toEqual({ redriven: 1, remaining: 0 })
      const again = await inbox.next()
      expect([again.body, again.malformed?.message]).toEqual(["{}", reason])
    },
    TIMEOUT_MS,
  )
})
