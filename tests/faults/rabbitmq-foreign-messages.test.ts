import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { isReady } from "../support/counting-service.ts"
import { EventSource } from "../support/event-source.ts"
import { newEvent } from "../support/new-event.ts"
import { encodeField, type ForeignField, type ForeignProperties } from "../support/rabbitmq/foreign-fields.ts"
import { ForeignProgram } from "../support/rabbitmq/foreign-program.ts"
import { installations } from "../support/rabbitmq/installation.ts"
import { RabbitMqNode } from "../support/rabbitmq/node.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 120_000
const LETTERS = "/api/v1/dead-letters/custom_events"
const KEY = "events.custom.anything"
const PASSWORD = "a-secret-of-the-service"

interface Letters {
  readonly dead_letters: readonly {
    readonly event?: { readonly id: string }
    readonly reason: string
    readonly attempts: number
  }[]
}

/** A message as RabbitMQ's management API shows it. */
interface Shown {
  readonly properties: {
    readonly headers: Readonly<Record<string, unknown>>
    readonly [name: string]: unknown
  }
}

for (const installation of installations()) {
  describe(`another program's messages on RabbitMQ of ${installation.root}`, () => {
    let node: RabbitMqNode
    let vhost = ""

    beforeAll(async () => {
      node = await RabbitMqNode.start(installation)
      await node.manage("PUT", "users/other", { password: "other", tags: "" })
      await node.manage("PUT", "users/service", { password: PASSWORD, tags: "" })
    }, TIMEOUT_MS)

    afterAll(() => node[Symbol.asyncDispose]())

    beforeEach(async () => {
      vhost = `test-${Bun.randomUUIDv7()}`
      await node.manage("PUT", `vhosts/${vhost}`, {})
      for (const user of ["guest", "other", "service"]) {
        const all = { configure: ".*", write: ".*", read: ".*" }
        await node.manage("PUT", `permissions/${vhost}/${user}`, all)
      }
    })

    const connectOther = () =>
      ForeignProgram.connect({ port: node.port, vhost, user: "other", password: "other" })

    const environment = () => ({
      RABBITMQ_HOST: "127.0.0.1",
      RABBITMQ_PORT: String(node.port),
      RABBITMQ_VHOST: vhost,
      RABBITMQ_USER: "service",
      RABBITMQ_PASSWORD: PASSWORD,
    })

    /**
     * Starts a service whose handler writes the id of an event called `good` to the journal, and fails on
     * others.
     */
    async function start(folder: ServiceFolder): Promise<RunningService> {
      folder.write(
        "handlers/foreign.ts",
        `export default {
          queue: "custom_events", retry: { attempts: 2, backoff: { initial: 10, max: 10 } },
          on: {
            async good(event) { ${folder.journal("event.id")} },
            async bad(event) { throw new Error("it fails") },
          },
        }`,
      )
      const service = await folder.start(environment())
      await waitUntil(() => isReady(service), "the service to be ready")
      return service
    }

    const publish = async (
      program: ForeignProgram,
      name: string,
      id: string,
      properties: ForeignProperties,
    ) => {
      program.publish("events", KEY, Buffer.from(JSON.stringify(newEvent({ name, id }))), properties)
      await program.confirmed()
    }

    async function letters(service: RunningService, count: number): Promise<Letters["dead_letters"]> {
      let found: Letters["dead_letters"] = []
      await waitUntil(async () => {
        const { status, body } = await service.get(LETTERS)
        expect(status).toBe(200)
        found = (body as Letters).dead_letters
        return found.length === count
      }, `${count} dead letters`)
      return found
    }

    const isHandled = (folder: ServiceFolder, id: string) =>
      waitUntil(() => folder.journalLines().includes(id), `${id} to be handled`)

    /** Returns the dead letters as stored on RabbitMQ. */
    const storedLetters = async () =>
      (await node.manage("POST", `queues/${vhost}/dead.custom_events/get`, {
        count: 100,
        ackmode: "ack_requeue_true",
        encoding: "auto",
      })) as readonly Shown[]

    const bytes = (length: number): ForeignField => ({ type: "S", value: "x".repeat(length) })

    test(
      "a message with 100 KB of headers is handled or becomes a dead letter, and the process survives",
      async () => {
        await using folder = new ServiceFolder()
        const service = await start(folder)
        using program = await connectOther()
        const headers = Array.from({ length: 100 }, (_, at) => [`h${at}`, bytes(1_000)] as const)
        for (let at = 0; at < 20; at++)
          await publish(program, at % 2 ? "bad" : "good", `wide-${at}`, { headers })
        expect(await letters(service, 10)).toHaveLength(10)
        for (let at = 0; at < 20; at += 2) await isHandled(folder, `wide-${at}`)
        expect(service.isAlive).toBe(true)
        expect(service.stdout + service.stderr).not.toContain(PASSWORD)
      },
      TIMEOUT_MS,
    )

    test.each([1_700_000_000_000n, 1_700_000_000_000_000n, 1_700_000_000_000_000_000n, -1n])(
      "an event with the AMQP timestamp %p is retried and dead-lettered like any other",
      async (timestamp) => {
        await using folder = new ServiceFolder()
        const service = await start(folder)
        using program = await connectOther()
        await publish(program, "bad", "late", { timestamp })
        expect(await letters(service, 1)).toMatchObject([{ reason: "attempts-exhausted", attempts: 2 }])
      },
      TIMEOUT_MS,
    )

    test(
      "a retry whose record of the failure is gone has used up the attempts that it counts",
      async () => {
        await using folder = new ServiceFolder()
        const service = await start(folder)
        using program = await connectOther()
        const body = Buffer.from(JSON.stringify(newEvent({ name: "bad", id: "counted" })))
        program.publish("", "custom_events", body, {
          headers: [
            ["x-retry-count", { type: "I", value: 1 }],
            ["x-retry-of", { type: "S", value: "custom_events" }],
          ],
        })
        await program.confirmed()
        expect(await letters(service, 1)).toMatchObject([{ reason: "attempts-exhausted", attempts: 2 }])
        expect(service.log.filter(({ msg }) => msg === "attempt failed; it will be retried")).toEqual([])
      },
      TIMEOUT_MS,
    )

    test(
      "the user id, the expiration and the carbon copies of another program are not copied",
      async () => {
        await using folder = new ServiceFolder()
        const service = await start(folder)
        using program = await connectOther()
        const copies: ForeignField = { type: "A", value: [{ type: "S", value: "copies.one" }] }
        await publish(program, "bad", "other", {
          userId: "other",
          expiration: "60000",
          replyTo: "amq.rabbitmq.reply-to.nobody",
          headers: [
            ["CC", copies],
            ["BCC", copies],
          ],
        })
        expect(await letters(service, 1)).toMatchObject([{ reason: "attempts-exhausted", attempts: 2 }])
        const [stored] = await storedLetters()
        expect(stored?.properties).not.toContainAnyKeys(["user_id", "expiration", "reply_to"])
        expect(stored?.properties.headers).not.toContainAnyKeys(["CC", "BCC"])
      },
      TIMEOUT_MS,
    )

    test(
      "an event without a matching function stays a dead letter, whatever expiration it had",
      async () => {
        await using folder = new ServiceFolder()
        const service = await start(folder)
        using program = await connectOther()
        await publish(program, "nobodys", "short", { expiration: "60000" })
        expect(await letters(service, 1)).toMatchObject([{ reason: "no-handler" }])
        expect((await storedLetters())[0]?.properties).not.toContainKey("expiration")
      },
      TIMEOUT_MS,
    )

    test(
      "type, name and payload are an event like any other, live and among the dead letters; what is none has its fault",
      async () => {
        await using folder = new ServiceFolder()
        const service = await start(folder)
        using program = await connectOther()
        using stream = await EventSource.open(`${service.url}/api/v1/events/stream`)
        for (const name of ["good", "bad"]) {
          const draft = { type: "custom", name, payload: { call_id: "c-1" } }
          program.publish("events", KEY, Buffer.from(JSON.stringify(draft)), { messageId: `${name}-1` })
        }
        await program.confirmed()
        await isHandled(folder, "good-1")
        await stream.saw("bad")
        const live = stream.events.find(({ name }) => name === "bad")
        expect(live).toMatchObject({ id: "bad-1", routing_key: KEY, priority: "medium", metadata: {} })
        expect(await letters(service, 1)).toMatchObject([
          { reason: "attempts-exhausted", event: { ...live, retry_count: 1 } },
        ])
        const redriven = await service.post(`${LETTERS}/redrive`, { ids: ["bad-1"] })
        expect(await redriven.json()).toMatchObject({ redriven: 1 })
        expect(await letters(service, 1)).toMatchObject([{ attempts: 2, event: { ...live, retry_count: 1 } }])
        program.publish("events", KEY, Buffer.from('{"type":"custom","name":"good","payload":{},"n":1}'), {})
        await program.confirmed()
        const [, malformed] = await letters(service, 2)
        expect(malformed).toMatchObject({
          reason: "malformed",
          error: { message: "the message is not an event: /n is not a field of an event" },
        })
      },
      TIMEOUT_MS,
    )

    test(
      "a message that nests too deep is missed in the live stream, one with an impossible time is no event, and both are dead letters",
      async () => {
        await using folder = new ServiceFolder()
        const service = await start(folder)
        using program = await connectOther()
        const streams = await Promise.all(
          ["event", "cloudevent"].map((format) =>
            EventSource.open(`${service.url}/api/v1/events/stream?format=${format}`),
          ),
        )
        const tail = folder.spawn(["tail", "--url", service.url])
        const text = JSON.stringify(newEvent({ name: "good", id: "deep" }))
        for (const depth of [50_000, 100_000]) {
          const deep = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`
          program.publish("events", KEY, Buffer.from(text.replace(/"payload":\{\}/, `"payload":${deep}`)), {})
        }
        for (const timestamp of ["1e300", "-1e15", "1700000000000000"]) {
          const odd = text.replace(/"timestamp":[^,}]+/, `"timestamp":${timestamp}`)
          program.publish("events", KEY, Buffer.from(odd), {})
        }
        await program.confirmed()
        for (const stream of streams) {
          await waitUntil(async () => {
            await service.publish({ name: "good" })
            return stream.missed >= 2
          }, "the stream to say what was missed")
          expect(stream.missed).toBe(2)
        }
        expect(streams.some(({ hasEnded }) => hasEnded)).toBe(false)
        const malformed = await letters(service, 5)
        expect(malformed).toMatchObject(Array.from({ length: 5 }, () => ({ reason: "malformed" })))
        expect([service.isAlive, tail.isAlive]).toEqual([true, true])
      },
      TIMEOUT_MS,
    )
  })
}

test("the bytes of a field are its type and its value", () => {
  expect(encodeField({ type: "I", value: -1 })).toEqual(Buffer.from([73, 255, 255, 255, 255]))
})
