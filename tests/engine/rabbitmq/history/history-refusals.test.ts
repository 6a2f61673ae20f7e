import { describe, expect, test } from "bun:test"
import { HISTORY_STREAM } from "../../../../src/engine/rabbitmq/history/history-stream.ts"
import { factsOf, KeepingFollower } from "../../../support/fact-follower.ts"
import { Inbox } from "../../../support/inbox.ts"
import { newEvent } from "../../../support/new-event.ts"
import { queueDeclaration } from "../../../support/queue-declaration.ts"
import { onEveryBroker } from "../../../support/rabbitmq/on-every-broker.ts"
import { proxied } from "../../../support/rabbitmq/proxied.ts"
import { SharedHost } from "../../../support/rabbitmq/shared-host.ts"
import { waitUntil } from "../../../support/wait-until.ts"

const TIMEOUT_MS = 60_000

/** Time after which nobody waits for a fact, and what a busy machine adds. */
const WAIT_MS = 2_000
const SLACK_MS = 1_500

const OFF = "the history is off: its stream can't be used"

const aboutHistory = ({ log }: SharedHost) =>
  log.filter(({ message, fields }) => `${message} ${fields["stream"]}`.includes(HISTORY_STREAM))

const published = (engine: SharedHost["engine"]) => engine.publish(newEvent({ routing_key: "calls" }))

/** Events are published and handled as without a history, and the engine is well. */
async function expectNoHistory(shared: SharedHost, reason: string): Promise<void> {
  const { engine } = shared
  await waitUntil(() => factsOf(engine).progress().failure !== null, "the history to be off")
  await published(engine)
  const delivery = await new Inbox(engine, "calls").next()
  await delivery.ack({ fact: "redriven", at: 1, id: "one", queue: "calls" })
  await waitUntil(async () => (await shared.depthOf("calls")) === 0, "the ack")
  await expect(factsOf(engine).append({ fact: "refused", at: 1, id: "one" })).rejects.toMatchObject({
    name: "EngineUnavailableError",
  })
  expect(engine.status()).toEqual({ state: "ready" })
  expect(factsOf(engine).progress()).toMatchObject({ waiting: 0, isCaughtUp: false })
  expect(aboutHistory(shared)).toEqual([
    {
      level: "warn",
      message: OFF,
      fields: { stream: HISTORY_STREAM, reason: expect.stringContaining(reason) },
    },
  ])
}

onEveryBroker((node) => {
  const open = (overrides = {}) => SharedHost.open(node(), "quorum", { recordsFacts: true, ...overrides })

  describe("without a stream, the history is off with one warning, and events go on", () => {
    test(
      "because the user may not declare it",
      async () => {
        await using shared = await open()
        await shared.permit({ configure: `^(?!${HISTORY_STREAM}).*` })
        await shared.declare("calls")
        await expectNoHistory(shared, "ACCESS_REFUSED")
      },
      TIMEOUT_MS,
    )

    test(
      "because another program has a queue of that name",
      async () => {
        await using shared = await open()
        await shared.other.queueDeclare(HISTORY_STREAM, { durable: true, autoDelete: false })
        await shared.declare("calls")
        await expectNoHistory(shared, "inequivalent arg")
        expect(await shared.depthOf(HISTORY_STREAM)).toBe(0)
      },
      TIMEOUT_MS,
    )

    test(
      "because nothing may be declared",
      async () => {
        await using shared = await open({ recordsFacts: false })
        await shared.declare("calls")
        const topology = {
          exchange: "events",
          exchangeType: "topic",
          queueType: "quorum",
          mode: "passive",
        } as const
        const log: string[] = []
        const passive = shared.newEngine({
          topology,
          recordsFacts: true,
          report: (_, message) => log.push(message),
        })
        try {
          await passive.declareQueues([queueDeclaration("calls")])
          await waitUntil(() => factsOf(passive).progress().failure !== null, "the history to be off")
          await published(passive)
          expect(log.filter((message) => message === OFF)).toHaveLength(1)
        } finally {
          await passive.close()
        }
      },
      TIMEOUT_MS,
    )
  })

  test(
    "with TOPOLOGY=passive, a stream that exists is used",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      await published(shared.engine)
      const topology = {
        exchange: "events",
        exchangeType: "topic",
        queueType: "quorum",
        mode: "passive",
      } as const
      const passive = shared.newEngine({ topology, recordsFacts: true })
      try {
        await passive.declareQueues([queueDeclaration("calls")])
        await waitUntil(() => passive.status().state === "ready", "the engine")
        using follower = new KeepingFollower(passive)
        await published(passive)
        await waitUntil(() => follower.facts.length === 2, "both facts")
      } finally {
        await passive.close()
      }
    },
    TIMEOUT_MS,
  )

  test(
    "a stream with other limits is used as it is, and the log says so once",
    async () => {
      await using shared = await open({ history: { retentionMs: 1_000, maxBytes: 5_000_000 } })
      await shared.declare("calls")
      await published(shared.engine)
      const log: string[] = []
      const other = shared.newEngine({ recordsFacts: true, report: (_, message) => log.push(message) })
      try {
        await other.declareQueues([queueDeclaration("calls")])
        await waitUntil(() => other.status().state === "ready", "the engine")
        using follower = new KeepingFollower(other)
        await published(other)
        await waitUntil(() => follower.facts.length === 2, "both facts")
        expect(log.filter((message) => message.includes("used as it is"))).toHaveLength(1)
        expect(other.status()).toEqual({ state: "ready" })
      } finally {
        await other.close()
      }
    },
    TIMEOUT_MS,
  )

  test(
    "while the stream confirms nothing, events go on after two seconds, and their facts come later",
    async () => {
      await using shared = await open()
      await shared.declare("calls")
      using follower = new KeepingFollower(shared.engine)
      await published(shared.engine)
      await follower.found("published")
      const resume = await shared.suspend(HISTORY_STREAM)
      const times: number[] = []
      for (let turn = 0; turn < 3; turn++) {
        const startedAt = performance.now()
        await published(shared.engine)
        times.push(performance.now() - startedAt)
      }
      expect(times[0]).toBeLessThan(WAIT_MS + SLACK_MS)
      expect(times[1]).toBeLessThan(WAIT_MS / 2)
      const delivery = await new Inbox(shared.engine, "calls", 1).next()
      const { id } = JSON.parse(delivery.body)
      await delivery.ack({ fact: "redriven", at: 1, id, queue: "calls" })
      expect(shared.engine.status()).toMatchObject({
        state: "ready",
        warning: expect.stringContaining(HISTORY_STREAM),
      })
      expect(factsOf(shared.engine).progress()).toMatchObject({ waiting: 4, dropped: 0 })
      await resume()
      await waitUntil(() => follower.facts.length === 5, "all facts")
      await waitUntil(() => factsOf(shared.engine).progress().failure === null, "the history to work")
      expect(shared.engine.status()).toEqual({ state: "ready" })
      expect(aboutHistory(shared).map(({ message }) => message)).toEqual([
        `${HISTORY_STREAM} can't be used: events go on, and the history gets their facts later`,
        `${HISTORY_STREAM} can be used again`,
      ])
    },
    TIMEOUT_MS,
  )

  test(
    "a history that was off is on once the user may declare its stream and connects again",
    async () => {
      await using shared = await open()
      await shared.permit({ configure: `^(?!${HISTORY_STREAM}).*` })
      using proxy = await proxied(node())
      const engine = shared.newEngine({ recordsFacts: true, access: proxy.access(shared) })
      try {
        await engine.declareQueues([queueDeclaration("calls")])
        await waitUntil(() => factsOf(engine).progress().failure !== null, "the history to be off")
        await shared.permit({})
        proxy.cut()
        await waitUntil(() => factsOf(engine).progress().failure === null, "the history to be on")
        await waitUntil(() => engine.status().state === "ready", "the other connections")
        using follower = new KeepingFollower(engine)
        await published(engine)
        await follower.found("published")
      } finally {
        await engine.close()
      }
    },
    TIMEOUT_MS,
  )
})
