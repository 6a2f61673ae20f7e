import { expect, test } from "bun:test"
import type { Engine } from "../../../src/engine/engine.ts"
import type { QueueType } from "../../../src/engine/rabbitmq/connection/capabilities.ts"
import { parseRecord } from "../../../src/engine/rabbitmq/queues/queue-records.ts"
import { QUEUE_REGISTER } from "../../../src/engine/rabbitmq/queues/queue-register.ts"
import { newEvent } from "../../support/new-event.ts"
import { queueDeclaration } from "../../support/queue-declaration.ts"
import { onEveryBroker } from "../../support/rabbitmq/on-every-broker.ts"
import { SharedHost } from "../../support/rabbitmq/shared-host.ts"
import { waitUntil } from "../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

/** Often enough for the register never to be quiet. */
const CHATTER_INTERVAL_MS = 50

const declared = (name: string, overrides = {}) => ({
  kind: "declared",
  queue: { ...queueDeclaration(name), isSingleActiveConsumer: false, ...overrides },
})

const namesOf = async (engine: Engine) => (await engine.queueStats()).map(({ name }) => name).toSorted()

const nameOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  )

/** Lets another program write to the register. */
const record = (shared: SharedHost, written: unknown) =>
  shared.other.basicPublish(
    "",
    QUEUE_REGISTER,
    typeof written === "string" ? written : JSON.stringify(written),
  )

const logged = (shared: SharedHost, words: string) =>
  shared.log.filter(({ message }) => message.includes(words))

/** Everything that changes a queue, or hands over what is in it. */
const touches = (engine: Engine, queue: string): readonly (() => Promise<unknown>)[] => [
  () => engine.queueAdministration.purge(queue),
  () => engine.queueAdministration.unbind(queue),
  () => engine.queueAdministration.delete(queue),
  () => engine.deadLetters(queue, {}),
  () => engine.redrive(queue, {}),
  () => engine.purgeDeadLetters(queue, {}),
]

/** An engine that declares a queue which no other one does, and is gone. */
async function declareElsewhere(shared: SharedHost, name: string): Promise<void> {
  const elsewhere = shared.newEngine({})
  await elsewhere.declareQueues([queueDeclaration(name)])
  await waitUntil(() => elsewhere.queueAdministration.register.get(name) !== undefined, "the register")
  await elsewhere.close()
}

test.each(["event-broker.queues", "retry.1000", "dead.calls", "ordered.calls", "amq.gen", "", "a b", "é"])(
  "a record that names %p is not read: no queue of events has that name",
  (name) => {
    for (const each of [declared(name), { kind: "deleted", name }, { kind: "unbound", name }]) {
      expect(parseRecord(Buffer.from(JSON.stringify(each)))).toBeNull()
    }
  },
)

test.each([{ ttlMs: 1e300 }, { ttlMs: -1 }, { maxLength: 1.5 }, { bindings: ["x".repeat(256)] }])(
  "a record with what AMQP can't carry is not read: %p",
  (overrides) => {
    expect(parseRecord(Buffer.from(JSON.stringify(declared("calls"))))).not.toBeNull()
    expect(parseRecord(Buffer.from(JSON.stringify(declared("calls", overrides))))).toBeNull()
  },
)

onEveryBroker((node) => {
  test(
    "bindings that an earlier start made and this one does not declare are logged once, and stay in force",
    async () => {
      await using shared = await SharedHost.open(node(), "quorum")
      const words = "also bound to patterns"
      const before = shared.newEngine({})
      const bindings = ["calls", "calls.old"]
      await before.declareQueues([{ ...queueDeclaration("calls"), bindings }])
      await waitUntil(() => before.queueAdministration.register.get("calls") !== undefined, "the register")
      await before.close()
      await shared.declare("calls", "others")
      await waitUntil(() => logged(shared, words).length > 0, "the log")
      await waitUntil(
        () => shared.engine.queueAdministration.register.get("others") !== undefined,
        "the rest",
      )
      expect(logged(shared, words)).toEqual([
        expect.objectContaining({ level: "info", fields: { queue: "calls", patterns: ["calls.old"] } }),
      ])
      await shared.engine.publish(newEvent({ routing_key: "calls.old" }))
      const [stats] = (await shared.engine.queueStats()).filter(({ name }) => name === "calls")
      expect(stats?.messageCount).toBe(1)
    },
    TIMEOUT_MS,
  )

  for (const queueType of ["quorum", "classic"] satisfies readonly QueueType[]) {
    const other = queueType === "quorum" ? "classic" : "quorum"

    test(
      `another program's queue that the register names is neither listed nor touched, with ${queueType} queues`,
      async () => {
        await using shared = await SharedHost.open(node(), queueType)
        await shared.declare("calls")
        const { engine } = shared
        await waitUntil(() => engine.queueAdministration.register.get("calls") !== undefined, "the register")
        await shared.other.queueDeclare("billing_orders", { durable: true, autoDelete: false })
        for (let n = 0; n < 7; n++) await shared.other.basicPublish("", "billing_orders", `${n}`)
        await record(shared, declared("billing_orders"))
        await record(shared, declared(QUEUE_REGISTER))
        await record(shared, "no record")
        await waitUntil(() => logged(shared, "can't be read").length > 0, "the records to be read")
        expect(await namesOf(engine)).toEqual(["calls"])
        for (const name of ["billing_orders", QUEUE_REGISTER]) {
          for (const touch of touches(engine, name)) expect(await nameOf(touch())).toBe("UnknownQueueError")
        }
        expect(await namesOf(engine)).toEqual(["calls"])
        expect(await shared.depthOf("billing_orders")).toBe(7)
        expect(shared.states).toEqual(["ready"])
        expect(logged(shared, "did not declare")).toEqual([
          {
            level: "warn",
            message: expect.any(String),
            fields: { queue: "billing_orders", reason: expect.stringContaining("inequivalent arg") },
          },
        ])
        expect(logged(shared, "can't be read")).toEqual([
          {
            level: "warn",
            message: expect.any(String),
            fields: { count: 2, first: expect.stringContaining("declared") },
          },
        ])
      },
      TIMEOUT_MS,
    )

    test(
      `a ${queueType} queue that another instance declared, with either QUEUE_TYPE, is listed and can be purged and deleted`,
      async () => {
        await using shared = await SharedHost.open(node(), queueType)
        await declareElsewhere(shared, "same")
        const topology = {
          exchange: "events",
          exchangeType: "topic",
          queueType: other,
          mode: "declare",
        } as const
        const elsewhere = shared.newEngine({ topology })
        await elsewhere.declareQueues([queueDeclaration("changed")])
        await waitUntil(
          () => elsewhere.queueAdministration.register.get("changed") !== undefined,
          "the register",
        )
        await elsewhere.close()
        await shared.declare("calls")
        const { engine } = shared
        await waitUntil(async () => (await namesOf(engine)).length === 3, "the queues to be found")
        await engine.publish(newEvent({ routing_key: "same" }))
        expect(await engine.queueAdministration.purge("same")).toEqual({ purged: 1 })
        for (const name of ["same", "changed"]) {
          expect(await engine.queueAdministration.delete(name)).toEqual({ events: 0, deadLetters: 0 })
        }
        expect(await namesOf(engine)).toEqual(["calls"])
        expect(logged(shared, "did not declare")).toEqual([])
      },
      TIMEOUT_MS,
    )

    test(
      `a ${queueType} queue that was ours is not touched once another program has made it anew`,
      async () => {
        await using shared = await SharedHost.open(node(), queueType)
        await declareElsewhere(shared, "audit")
        await shared.declare("calls")
        const { engine } = shared
        await waitUntil(async () => (await namesOf(engine)).includes("audit"), "the queue to be found")
        await shared.other.queueDelete("audit")
        await shared.declareOtherwise("audit")
        for (const touch of touches(engine, "audit")) expect(await nameOf(touch())).toBe("UnknownQueueError")
        expect(await shared.has("audit")).toBe(true)
        expect(await namesOf(engine)).toEqual(["calls"])
      },
      TIMEOUT_MS,
    )

    test(
      `asking for a queue that the register names never makes it, with ${queueType} queues`,
      async () => {
        await using shared = await SharedHost.open(node(), queueType)
        await shared.declare("calls")
        const { engine } = shared
        const { register } = engine.queueAdministration
        await waitUntil(() => register.get("calls") !== undefined, "the register")
        await record(shared, declared("ghost"))
        await waitUntil(() => register.get("ghost") !== undefined, "the record to be read")
        for (const touch of touches(engine, "ghost")) expect(await nameOf(touch())).toBe("UnknownQueueError")
        expect(await namesOf(engine)).toEqual(["calls"])
        expect(await shared.has("ghost")).toBe(false)
        await waitUntil(() => register.get("ghost") === undefined, "the register to say that it is gone")
      },
      TIMEOUT_MS,
    )
  }

  test(
    "a queue of another instance is known at once after the start, and not unknown before the register was read",
    async () => {
      await using shared = await SharedHost.open(node(), "quorum")
      await declareElsewhere(shared, "audit")
      const engine = shared.newEngine({})
      try {
        await engine.declareQueues([queueDeclaration("calls")])
        await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
        expect(await engine.queueAdministration.purge("audit")).toEqual({ purged: 0 })
        expect(await nameOf(engine.queueAdministration.purge("none"))).toBe("UnknownQueueError")
      } finally {
        await engine.close()
      }
    },
    TIMEOUT_MS,
  )

  test(
    "while another program writes without a pause the answer is that the queues are not read yet, and then they are",
    async () => {
      await using shared = await SharedHost.open(node(), "quorum")
      await declareElsewhere(shared, "audit")
      const chatter = setInterval(() => void record(shared, "chatter"), CHATTER_INTERVAL_MS)
      const engine = shared.newEngine({})
      try {
        await engine.declareQueues([queueDeclaration("calls")])
        const { queueAdministration } = engine
        await waitUntil(() => engine.status().state === "ready", "the engine to be ready")
        const unread = [queueAdministration.purge("audit"), queueAdministration.purge("none")].map(nameOf)
        expect(await Promise.all([queueAdministration.knowledge(), ...unread])).toEqual([
          "unread",
          "QueuesUnreadError",
          "QueuesUnreadError",
        ])
        await waitUntil(
          async () => (await queueAdministration.knowledge()) === "all",
          "the register to be read",
        )
        expect(await queueAdministration.purge("audit")).toEqual({ purged: 0 })
        expect(await nameOf(queueAdministration.purge("none"))).toBe("UnknownQueueError")
      } finally {
        clearInterval(chatter)
        await engine.close()
      }
    },
    TIMEOUT_MS,
  )
})
