import { expect, test } from "bun:test"
import fc from "fast-check"
import { isReady } from "../support/counting-service.ts"
import { EventSource } from "../support/event-source.ts"
import { newEvent } from "../support/new-event.ts"
import { type ArbitraryMessage, arbitraryMessage } from "../support/rabbitmq/arbitrary-message.ts"
import { ForeignProgram } from "../support/rabbitmq/foreign-program.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 180_000
const ROUNDS = 10
const MESSAGES_PER_ROUND = 200
const QUEUE = "custom_events"
const LETTERS = `/api/v1/dead-letters/${QUEUE}`
const OTHER = "other"

/** `AMQP_SEED` repeats a run. */
const SEED = Number(process.env["AMQP_SEED"] ?? Math.floor(Math.random() * 2 ** 31))

interface Letters {
  readonly count: number
  readonly dead_letters: readonly {
    readonly event?: { readonly id?: unknown } | null
    readonly body?: string
  }[]
}

/** Its handlers fail for ever, or at the first attempt; the others write the event's id into the journal. */
const moduleText = (folder: ServiceFolder) => `
  export default {
    queue: "${QUEUE}", retry: { attempts: 2, backoff: { initial: 10, max: 10 } },
    on: {
      async good(event) { ${folder.journal("event.id")} },
      async flaky(event, ctx) { if (ctx.attempt === 1) throw new Error("not yet"); ${folder.journal("event.id")} },
      async bad() { throw new Error("never") },
      async ordinary(event) { ${folder.journal("event.id")} },
    },
  }`

async function deadLetterCount(service: RunningService): Promise<number> {
  const { status, body } = await service.get("/api/v1/dead-letters")
  expect(status).toBe(200)
  const { queues } = body as { queues: { queue_name: string; dead_letter_count: number }[] }
  const found = queues.find(({ queue_name }) => queue_name === QUEUE)
  return found?.dead_letter_count ?? 0
}

/** Checks that each message is handled or a listed dead letter. Returns how many are dead letters. */
async function allSettled(
  service: RunningService,
  folder: ServiceFolder,
  messages: readonly ArbitraryMessage[],
): Promise<number> {
  let letters: Letters = { count: 0, dead_letters: [] }
  let missing: readonly string[] = []
  await waitUntil(
    async () => {
      const handled = new Set(folder.journalLines())
      const open = messages.filter(({ id }) => id === null || !handled.has(id))
      if ((await deadLetterCount(service)) < open.length) return false
      const { status, body } = await service.get(`${LETTERS}?limit=1000`)
      expect(status).toBe(200)
      letters = body as Letters
      const listed = new Set(letters.dead_letters.map(({ event }) => event?.id))
      const texts = letters.dead_letters.flatMap(({ body: text }) => (text === undefined ? [] : [text]))
      missing = open.flatMap(({ id }) =>
        id === null || listed.has(id) || texts.some((text) => text.includes(id)) ? [] : [id],
      )
      return letters.count === open.length && missing.length === 0
    },
    "every message to be handled or a dead letter",
    60_000,
  ).catch((error: unknown) => {
    throw new Error(
      `seed ${SEED}: ${String(error)}; ${letters.count} dead letters, missing ${missing.slice(0, 5)}\n${service.stdout.slice(-4_000)}${service.stderr}`,
    )
  })
  return letters.count
}

test(
  `arbitrary messages of another program are handled or become dead letters, and disturb nobody (seed ${SEED})`,
  async () => {
    process.stdout.write(`arbitrary AMQP messages: AMQP_SEED=${SEED}\n`)
    const [installation = { root: "/" }] = installations()
    await using node = await RabbitMqNode.start(installation)
    await node.manage("PUT", `users/${OTHER}`, { password: OTHER, tags: "" })
    await node.manage("PUT", `permissions/%2F/${OTHER}`, { configure: ".*", write: ".*", read: ".*" })
    await using folder = new ServiceFolder()
    folder.write("handlers/arbitrary.ts", moduleText(folder))
    const service = await folder.start({ RABBITMQ_HOST: "127.0.0.1", RABBITMQ_PORT: String(node.port) })
    await waitUntil(() => isReady(service), "the service to be ready")
    using program = await ForeignProgram.connect({
      port: node.port,
      vhost: "/",
      user: OTHER,
      password: OTHER,
    })
    await program.bind("copies", "events", "copies.#")
    const streams = await Promise.all(
      ["event", "cloudevent"].map((format) =>
        EventSource.open(`${service.url}/api/v1/events/stream?format=${format}`),
      ),
    )
    const samples = fc.sample(arbitraryMessage, { numRuns: ROUNDS * MESSAGES_PER_ROUND, seed: SEED })
    const ordinary: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const messages = samples
        .slice(round * MESSAGES_PER_ROUND, (round + 1) * MESSAGES_PER_ROUND)
        .map((make, at) => make(`${round}-${at}.`))
      for (const [at, { body, properties }] of messages.entries()) {
        program.publish("events", "events.custom.arbitrary", body, properties)
        // Each publish has to be answered 201.
        if (at % 20 === 0) ordinary.push(await service.publish(newOrdinary()))
      }
      await program.confirmed()
      const dead = await allSettled(service, folder, messages)
      const redriven = await service.post(`${LETTERS}/redrive`, { all: true })
      expect(await redriven.json()).toMatchObject({ redriven: dead })
      ordinary.push(await service.publish(newOrdinary()))
      await allSettled(service, folder, messages)
      const purged = await fetch(`${service.url}${LETTERS}?all=true`, { method: "DELETE" })
      expect(purged.status).toBe(200)
      expect(service.isAlive).toBe(true)
    }
    await waitUntil(() => {
      const handled = new Set(folder.journalLines())
      return ordinary.every((id) => handled.has(id))
    }, "the ordinary events to be handled")
    expect(streams.map(({ hasEnded }) => hasEnded)).toEqual([false, false])
    for (const stream of streams) stream[Symbol.dispose]()
    expect(
      service.log.filter(({ msg }) => msg.includes("RabbitMQ refused") || msg.includes("unreachable")),
    ).toEqual([])
    expect(await service.stop()).toBe(0)
  },
  TIMEOUT_MS,
)

function newOrdinary(): Readonly<Record<string, unknown>> {
  const { id, type, name, payload } = newEvent({ name: "ordinary" })
  return { id, type, name, payload }
}
