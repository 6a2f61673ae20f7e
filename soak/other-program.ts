import { AMQPClient } from "@cloudamqp/amqp-client"
import type { ForeignProperties } from "../tests/support/rabbitmq/foreign-fields.ts"
import { ForeignProgram } from "../tests/support/rabbitmq/foreign-program.ts"
import type { RabbitMqNode } from "../tests/support/rabbitmq/node.ts"

/** Wait between two actions, in milliseconds; randomized from zero to twice that. */
const PAUSE_MS = 1_000

/** How long a policy stays, in milliseconds. */
const POLICY_MS = 1_500

/** How long it takes until RabbitMQ lists the messages of a quorum queue that another queue refused, in milliseconds. */
const STATS_MS = 12_000

const EXCHANGE = "events"
const VHOST = "%2F"

/** Prefix of the body or id of every foreign message, to tell the dead letters apart. */
export const FOREIGN_MARK = "foreign-"

const DEEP = 20_000
const LONG = 90_000

interface Listed {
  readonly name: string
  /** Of a queue: its messages, with those that RabbitMQ offers to a full queue again, as of some seconds ago. */
  readonly messages?: number
}

/** When a tier was deleted, in milliseconds since the epoch. */
export interface TierDeletion {
  readonly tierMs: number
  readonly from: number
  readonly to: number
}

type ForeignMessage = readonly [body: string, properties: ForeignProperties]

/** Messages as other programs publish them; none is an event with a handler. */
const FOREIGN: readonly ((id: string) => ForeignMessage)[] = [
  (id) => [`${id} is not JSON`, {}],
  (id) => [`${id} ${"[".repeat(DEEP)}`, { contentType: "application/json" }],
  (id) => [JSON.stringify({ id, deep: 1 }), { expiration: "600000", messageId: id }],
  (id) => [JSON.stringify(id), { timestamp: 1_795_678_818_667_000n, type: "odd" }],
  (id) => [
    JSON.stringify([id]),
    {
      headers: [
        ["CC", { type: "A", value: [{ type: "S", value: "copied" }] }],
        ["x-retry-count", { type: "I", value: -5 }],
      ],
    },
  ],
  (id) => [JSON.stringify({ id }), { userId: "guest", replyTo: "nowhere", correlationId: id }],
  (id) => [JSON.stringify({ id }), { headers: [["long", { type: "S", value: "x".repeat(LONG) }]] }],
]

/**
 * Another program on the same broker: it publishes messages that are not events, deletes objects of the
 * service that contain no events, closes connections, and sets policies. It counts the events that it deletes.
 */
export class OtherProgram {
  /** Its actions and their counts. */
  readonly done = new Map<string, number>()
  /** Foreign messages that RabbitMQ has confirmed. */
  readonly published = new Set<string>()
  /** RabbitMQ does not delete a quorum queue only if it is empty, so retries that arrive meanwhile are deleted, too. */
  readonly tierDeletions: TierDeletion[] = []
  readonly #node: RabbitMqNode
  readonly #queue: string
  readonly #running: Promise<void>
  #isStopping = false
  #policyEndedAt = 0

  /** @param queue a queue that the service consumes: it receives the foreign messages and the policy */
  constructor(node: RabbitMqNode, queue: string) {
    this.#node = node
    this.#queue = queue
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running
  }

  async #run(): Promise<void> {
    const deeds = {
      "foreign messages": () => this.#publishForeign(),
      "a retry tier deleted": () => this.#deleteTier(),
      "the exchange deleted": () => this.#deleteExchange(),
      "a queue without a consumer deleted": () => this.#delete("queues", "user_events"),
      "a dead-letter queue deleted": () => this.#delete("queues", "dead.user_events"),
      "a connection closed": () => this.#closeConnection(),
      "a policy set and removed": () => this.#setPolicy(),
    }
    const names = Object.entries(deeds)
    for (let turn = 0; !this.#isStopping; turn++) {
      // Each once, then at random, so that a short run has all of them.
      const at = turn < names.length ? turn : Math.floor(Math.random() * names.length)
      const [name, deed] = names[at] ?? []
      try {
        await deed?.()
        if (name !== undefined) this.done.set(name, (this.done.get(name) ?? 0) + 1)
      } catch {
        // The broker was killed, or the object to delete does not exist yet.
      }
      await Bun.sleep(2 * PAUSE_MS * Math.random())
    }
  }

  async #publishForeign(): Promise<void> {
    const login = { port: this.#node.port, vhost: "/", user: "guest", password: "guest" }
    using program = await ForeignProgram.connect(login)
    for (const newMessage of FOREIGN) {
      const id = FOREIGN_MARK + Bun.randomUUIDv7()
      const [body, properties] = newMessage(id)
      program.publish("", this.#queue, Buffer.from(body), { deliveryMode: 2, ...properties })
      await program.confirmed()
      this.published.add(id)
    }
  }

  async #deleteTier(): Promise<void> {
    if (performance.now() - this.#policyEndedAt < STATS_MS)
      throw new Error("retries may wait for room unseen")
    const queues = await this.#list("queues")
    const tiers = queues.filter(
      ({ name, messages }) => name.startsWith(`retry.${this.#queue}.`) && messages === 0,
    )
    const { name } = tiers[Math.floor(Math.random() * tiers.length)] ?? {}
    if (name === undefined) throw new Error("there is no tier yet")
    const client = new AMQPClient(`amqp://guest:guest@127.0.0.1:${this.#node.port}/`)
    await client.connect()
    try {
      const channel = await client.channel()
      const { messageCount } = await channel.queueDeclare(name, { passive: true })
      if (messageCount > 0) throw new Error("a retry waits there")
      const from = Date.now()
      await channel.queueDelete(name)
      this.tierDeletions.push({ tierMs: Number(name.split(".").at(-1)), from, to: Date.now() })
    } finally {
      await client.close()
    }
  }

  #deleteExchange(): Promise<unknown> {
    return this.#delete("exchanges", EXCHANGE)
  }

  async #closeConnection(): Promise<void> {
    const connections = await this.#list("connections")
    const { name } = connections[Math.floor(Math.random() * connections.length)] ?? {}
    if (name !== undefined) await this.#node.manage("DELETE", `connections/${encodeURIComponent(name)}`)
  }

  /**
   * Limits a queue for a while to fewer events than are waiting. On a delay tier this would delete waiting
   * retries.
   */
  async #setPolicy(): Promise<void> {
    const policy = `policies/${VHOST}/shorter`
    const definition = { "max-length": 5, overflow: "reject-publish" }
    await this.#node.manage("PUT", policy, {
      pattern: `^${this.#queue}$`,
      definition,
      "apply-to": "queues",
    })
    await Bun.sleep(POLICY_MS)
    await this.#node.manage("DELETE", policy)
    this.#policyEndedAt = performance.now()
  }

  async #list(what: "queues" | "connections"): Promise<readonly Listed[]> {
    return (await this.#node.manage("GET", what)) as readonly Listed[]
  }

  #delete(what: "queues" | "exchanges", name: string): Promise<unknown> {
    return this.#node.manage("DELETE", `${what}/${VHOST}/${name}`)
  }
}
