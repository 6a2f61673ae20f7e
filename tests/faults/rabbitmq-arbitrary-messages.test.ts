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
const SETTLED_WITHIN_MS = 120_000
const MESSAGES = 2_000

/** Publishes between two waits for RabbitMQ's confirms, to bound the memory of the test. */
const BATCH = 250

/** Events that the service itself publishes while the others are handled, and while they are redriven. */
const ORDINARY = 50

/** Interval of the checks: they cost the service more than the figures that it caches for a second. */
const LOOK_INTERVAL_MS = 200

const OTHER = "other"

/** The predefined queues: their messages are handled, retried and redriven concurrently. */
const TYPES = ["voice", "user", "system", "notification", "custom"] as const

type Type = (typeof TYPES)[number]

/** Set `AMQP_SEED` to repeat a run. */
const SEED = Number(process.env["AMQP_SEED"] ?? Math.floor(Math.random() * 2 ** 31))

interface Letters {
  readonly count: number
  readonly dead_letters: readonly {
    readonly event?: { readonly id?: unknown } | null
    readonly body?: string
  }[]
}

const queueOf = (type: Type): string => `${type}_events`
const lettersOf = (type: Type): string => `/api/v1/dead-letters/${queueOf(type)}`

/**
 * Handlers that always fail, or fail on the first attempt; the others write the event's id to the journal.
 */
const moduleText = (folder: ServiceFolder, type: Type) => `
  export default {
    queue: "${queueOf(type)}", retry: { attempts: 2, backoff: { initial: 10, max: 10 } },
    on: {
      async good(event) { ${folder.journal("event.id")} },
      async flaky(event, ctx) { if (ctx.attempt === 1) throw new Error("not yet"); ${folder.journal("event.id")} },
      async bad() { throw new Error("never") },
      async ordinary(event) { ${folder.journal("event.id")} },
    },
  }`

/** Returns the messages of a queue that are not handled: they must be its dead letters. */
function openOf(folder: ServiceFolder, messages: readonly ArbitraryMessage[]): readonly ArbitraryMessage[] {
  const handled = new Set(folder.journalLines())
  return messages.filter(({ id }) => id === null || !handled.has(id))
}

async function deadLetterCounts(service: RunningService): Promise<ReadonlyMap<string, number>> {
  const { status, body } = await service.get("/api/v1/dead-letters")
  expect(status).toBe(200)
  const { queues } = body as { queues: { queue_name: string; dead_letter_count: number }[] }
  return new Map(queues.map(({ queue_name, dead_letter_count }) => [queue_name, dead_letter_count]))
}

/** Returns the messages that are neither handled nor listed as dead letters. */
async function missingOf(
  service: RunningService,
  type: Type,
  open: readonly ArbitraryMessage[],
): Promise<{ readonly count: number; readonly missing: readonly string[] }> {
  const { status, body } = await service.get(`${lettersOf(type)}?limit=1000`)
  expect(status).toBe(200)
  const { count, dead_letters } = body as Letters
  const listed = new Set(dead_letters.map(({ event }) => event?.id))
  const texts = dead_letters.flatMap(({ body: text }) => (text === undefined ? [] : [text]))
  const missing = open.flatMap(({ id }) =>
    id === null || listed.has(id) || texts.some((text) => text.includes(id)) ? [] : [id],
  )
  return { count, missing }
}

/**
 * Waits until each message is handled or listed as a dead letter. Returns the number of dead letters per
 * queue.
 */
async function allSettled(
  service: RunningService,
  folder: ServiceFolder,
  messages: ReadonlyMap<Type, readonly ArbitraryMessage[]>,
): Promise<ReadonlyMap<Type, number>> {
  const settled = new Map<Type, number>()
  let last = ""
  const isSettled = async (): Promise<boolean> => {
    const counts = await deadLetterCounts(service)
    for (const [type, ofQueue] of messages) {
      if (settled.has(type)) continue
      const open = openOf(folder, ofQueue)
      last = `${queueOf(type)} has ${counts.get(queueOf(type))} dead letters, ${open.length} are to be`
      if (counts.get(queueOf(type)) !== open.length) return false
      const { count, missing } = await missingOf(service, type, open)
      last = `${queueOf(type)} lists ${count} of ${open.length}, without ${missing.slice(0, 5)}`
      if (count !== open.length || missing.length > 0) return false
      settled.set(type, count)
    }
    return true
  }
  const what = "every message to be handled or a dead letter"
  await waitUntil(isSettled, what, SETTLED_WITHIN_MS, LOOK_INTERVAL_MS).catch((error: unknown) => {
    const log = `${service.stdout.slice(-4_000)}${service.stderr}`
    throw new Error(`seed ${SEED}: ${String(error)}; ${last}\n${log}`)
  })
  return settled
}

/** Publishes ordinary events through the service, sequentially. Each must be answered 201. */
async function publishOrdinary(service: RunningService): Promise<readonly string[]> {
  const ids: string[] = []
  while (ids.length < ORDINARY) {
    const { id, payload } = newEvent({ name: "ordinary" })
    const type = TYPES[ids.length % TYPES.length]
    ids.push(await service.publish({ id, type, name: "ordinary", payload }))
  }
  return ids
}

test(
  `arbitrary messages of another program are handled or become dead letters, and affect nobody else (seed ${SEED})`,
  async () => {
    process.stdout.write(`arbitrary AMQP messages: AMQP_SEED=${SEED}\n`)
    const [installation = { root: "/" }] = installations()
    await using node = await RabbitMqNode.start(installation)
    await node.manage("PUT", `users/${OTHER}`, { password: OTHER, tags: "" })
    await node.manage("PUT", `permissions/%2F/${OTHER}`, { configure: ".*", write: ".*", read: ".*" })
    await using folder = new ServiceFolder()
    for (const type of TYPES) folder.write(`handlers/${type}.ts`, moduleText(folder, type))
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
    const samples = fc.sample(arbitraryMessage, { numRuns: MESSAGES, seed: SEED })
    const messages = new Map<Type, ArbitraryMessage[]>(TYPES.map((type) => [type, []]))
    const firstPublished = publishOrdinary(service)
    for (const [at, make] of samples.entries()) {
      const type = TYPES[at % TYPES.length] ?? "custom"
      const message = make(`message-${at}.`)
      messages.get(type)?.push(message)
      program.publish("events", `events.${type}.arbitrary`, message.body, message.properties)
      if (at % BATCH === 0) await program.confirmed()
    }
    await program.confirmed()
    const first = await firstPublished
    const dead = await allSettled(service, folder, messages)
    const redrivePublished = publishOrdinary(service)
    await Promise.all(
      [...dead].map(async ([type, count]) => {
        const redriven = await service.post(`${lettersOf(type)}/redrive`, { all: true })
        expect(await redriven.json()).toMatchObject({ redriven: count })
      }),
    )
    const ordinary = [...first, ...(await redrivePublished)]
    await allSettled(service, folder, messages)
    await waitUntil(() => {
      const handled = new Set(folder.journalLines())
      return ordinary.every((id) => handled.has(id))
    }, "the ordinary events to be handled")
    expect(service.isAlive).toBe(true)
    expect(streams.map(({ hasEnded }) => hasEnded)).toEqual([false, false])
    for (const stream of streams) stream[Symbol.dispose]()
    expect(
      service.log.filter(({ msg }) => msg.includes("RabbitMQ refused") || msg.includes("unreachable")),
    ).toEqual([])
    expect(await service.stop()).toBe(0)
  },
  TIMEOUT_MS,
)
