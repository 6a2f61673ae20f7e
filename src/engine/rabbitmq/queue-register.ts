import type { AMQPClient, AMQPMessage } from "@cloudamqp/amqp-client"
import { type Backoff, RetryDelays } from "../../event/backoff.ts"
import type { QueueDeclaration } from "../engine.ts"
import { PublishError } from "../errors.ts"
import type { Report } from "../report.ts"
import { RoutingTable } from "../routing-table.ts"
import type { OwnQueues } from "./own-queues.ts"
import { applyRecord, covers, hasLimitsOf, parseRecord, type QueueRecord } from "./queue-records.ts"
import { reasonOf } from "./wire/broker-fault.ts"

/** The stream in which every instance tells the others which queues it declares. */
export const QUEUE_REGISTER = "event-broker.queues"

/** A stream gives space back by whole segments; it holds a record for each change of a queue, so small ones do. */
const SEGMENT_BYTES = 1_000_000

/** Records that RabbitMQ sends ahead of their acknowledgement. */
const PREFETCH = 1_000

/** The register counts as read, and this instance adds to it, once no record came for so long, in milliseconds. */
const QUIET_MS = 500

/** How long a stop waits for its last records to be stored, in milliseconds. */
const STOP_GRACE_MS = 1_000

const PROPERTIES = { contentType: "application/json", deliveryMode: 2 }

/** The waits before the register is read, or written, again. */
const RESUME_BACKOFF: Backoff = { initialMs: 500, factor: 2, maxMs: 60_000 }

export interface QueueRegisterOptions {
  /** With `TOPOLOGY=passive` nothing is declared, and there is no register. */
  readonly isAllowed: boolean
  /** The queues that this instance declares. */
  readonly own: Pick<OwnQueues, "has" | "values">
  /** The connection that publishes. @throws {PublishError} while nothing can be published. */
  readonly publishing: () => AMQPClient
  /** Declares one of this instance's queues again: another instance has deleted or unbound it. */
  readonly redeclare: (queue: string) => Promise<void>
  readonly report: Report
}

/**
 * The queues that any instance has declared. AMQP can't list queues, so that a queue whose module is gone would go on
 * taking events unseen. Each instance reads the register from its beginning and follows it; all see the records in one
 * order. A stream gives each of them every record, and keeps it.
 */
export class QueueRegister {
  readonly #options: QueueRegisterOptions
  readonly #readDelays = new RetryDelays(RESUME_BACKOFF)
  readonly #writeDelays = new RetryDelays(RESUME_BACKOFF)
  /** What the register says; until it was read once, on a new connection, what it said before. */
  #known = new Map<string, QueueDeclaration>()
  #routes = new RoutingTable<string>()
  #reading = this.#known
  /** Own queues that this process has told of. */
  readonly #told = new Set<string>()
  #client: AMQPClient | null = null
  #readTimer: Timer | undefined
  #quietTimer: Timer | undefined
  /** Whether the register is followed at this moment. */
  #isReading = false
  #isTelling = false
  #hasFailed = false
  #isStopped = false

  constructor(options: QueueRegisterOptions) {
    this.#options = options
  }

  /** Whether the register can be used; it may not have been read yet. */
  get isUsable(): boolean {
    return this.#options.isAllowed && !this.#hasFailed
  }

  get(queue: string): QueueDeclaration | undefined {
    return this.#known.get(queue)
  }

  /** The queues that this instance does not declare. */
  undeclared(): readonly QueueDeclaration[] {
    return [...this.#known.values()].filter(({ name }) => !this.#options.own.has(name))
  }

  /** The queues that this instance does not declare and that an event goes to. */
  route(routingKey: string): readonly QueueDeclaration[] {
    return this.#routes
      .route(routingKey)
      .flatMap((name) => (this.#options.own.has(name) ? [] : (this.#known.get(name) ?? [])))
  }

  /** Reads the register, on a connection that is new. */
  start(client: AMQPClient): void {
    this.#client = client
    this.#isReading = false
    this.#readDelays.reset()
    if (this.#options.isAllowed) void this.#read(client)
  }

  /** Tells of own queues that the register lacks, once it is read. */
  declared(): void {
    if (this.#isReading) this.#onceQuiet(QUIET_MS)
  }

  /**
   * Resolves once the record is stored. It has a channel of its own: RabbitMQ closes the channel of a user who may not
   * write to the default exchange, and with it everything that others publish there.
   */
  async add(record: QueueRecord): Promise<void> {
    const channel = await this.#options.publishing().channel()
    let isReturned = false
    channel.onReturn = () => {
      isReturned = true
    }
    try {
      await channel.confirmSelect()
      await channel.basicPublish("", QUEUE_REGISTER, JSON.stringify(record), PROPERTIES, true)
    } finally {
      // A channel that RabbitMQ has closed has nothing to give back.
      await channel.close().catch(() => {})
    }
    if (isReturned) throw new Error(`there is no queue ${QUEUE_REGISTER}`)
  }

  /** Tells what is not told yet, if RabbitMQ takes it within a second, and reads no more. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#readTimer)
    clearTimeout(this.#quietTimer)
    if (!this.#isReading) return
    const { promise: tooLate, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, STOP_GRACE_MS)
    // The next start of a process with these modules tells it.
    await Promise.race([this.#tell().catch(() => {}), tooLate])
    clearTimeout(timer)
  }

  async #read(client: AMQPClient): Promise<void> {
    clearTimeout(this.#readTimer)
    const read = new Map<string, QueueDeclaration>()
    try {
      const channel = await client.channel()
      await channel.queueDeclare(
        QUEUE_REGISTER,
        { durable: true, autoDelete: false, exclusive: false },
        { "x-queue-type": "stream", "x-stream-max-segment-size-bytes": SEGMENT_BYTES },
      )
      await channel.basicQos(PREFETCH)
      this.#reading = read
      const params = { noAck: false, args: { "x-stream-offset": "first" } }
      const consumer = await channel.basicConsume(QUEUE_REGISTER, params, (message) =>
        this.#take(message, read),
      )
      consumer.wait().catch((cause: unknown) => {
        channel.close().catch(() => {})
        this.#readLater(client, cause)
      })
      this.#isReading = true
      this.#onceQuiet(QUIET_MS)
    } catch (cause) {
      this.#readLater(client, cause)
    }
  }

  #readLater(client: AMQPClient, cause: unknown): void {
    if (client !== this.#client) return
    this.#isReading = false
    clearTimeout(this.#quietTimer)
    if (this.#isStopped || client.closed) return
    this.#fail(cause)
    clearTimeout(this.#readTimer)
    this.#readTimer = setTimeout(() => void this.#read(client), this.#readDelays.next())
  }

  /** Told once, until the register can be used again. */
  #fail(cause: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    const fields = { register: QUEUE_REGISTER, reason: reasonOf(cause) }
    this.#options.report(
      "warn",
      "queues whose module is removed can't be found: the register can't be used",
      fields,
    )
  }

  #take(message: AMQPMessage, read: Map<string, QueueDeclaration>): void {
    // A channel that is lost is read again from its beginning.
    message.ack().catch(() => {})
    const record = parseRecord(message.bodyString() ?? "")
    if (record === null) return
    applyRecord(record, read)
    if (read === this.#known) {
      const name = record.kind === "declared" ? record.queue.name : record.name
      this.#routes.bind(name, read.get(name)?.bindings ?? [])
    }
    if (read === this.#reading) this.#onceQuiet(QUIET_MS)
  }

  #onceQuiet(delayMs: number): void {
    clearTimeout(this.#quietTimer)
    if (!this.#isStopped) this.#quietTimer = setTimeout(() => void this.#settle(), delayMs)
  }

  /** Everything was read: it is in force, and this instance adds what is lacking. */
  async #settle(): Promise<void> {
    if (this.#known !== this.#reading) {
      this.#known = this.#reading
      this.#routes = new RoutingTable()
      for (const { name, bindings } of this.#known.values()) this.#routes.bind(name, bindings)
    }
    this.#readDelays.reset()
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      await this.#tell()
      this.#writeDelays.reset()
      this.#hasFailed = false
    } catch (cause) {
      // While RabbitMQ is away or takes nothing, the engine's status says so.
      if (!(cause instanceof PublishError)) this.#fail(cause)
      this.#onceQuiet(this.#writeDelays.next())
    } finally {
      this.#isTelling = false
    }
  }

  async #tell(): Promise<void> {
    for (const queue of this.#options.own.values()) {
      const { name } = queue
      const known = this.#known.get(name)
      const isTold = this.#told.has(name)
      // Limits are told once: two instances that differ would answer each other for ever.
      if (covers(known, queue) && (isTold || hasLimitsOf(known, queue))) continue
      if (isTold) await this.#options.redeclare(name)
      await this.add({ kind: "declared", queue })
      this.#told.add(name)
    }
  }
}
