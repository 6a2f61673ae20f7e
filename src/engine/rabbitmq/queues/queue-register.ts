import type { AMQPClient, AMQPMessage } from "@cloudamqp/amqp-client"
import { type Backoff, RetryDelays } from "../../../event/backoff.ts"
import type { QueueDeclaration } from "../../engine.ts"
import { PublishError } from "../../errors.ts"
import type { QueueKnowledge } from "../../queue-administration.ts"
import type { Report } from "../../report.ts"
import { RoutingTable } from "../../routing-table.ts"
import { endsConnection, LASTING_REFUSALS, refusalText, replyIn } from "../wire/broker-fault.ts"
import { bytesOf } from "../wire/decode.ts"
import type { OwnQueues } from "./own-queues.ts"
import { applyRecord, covers, hasLimitsOf, parseRecord, type QueueRecord } from "./queue-records.ts"
import { UnreadableRecords } from "./unreadable-records.ts"

/** The stream through which instances share the queues that they declare. */
export const QUEUE_REGISTER = "event-broker.queues"

/**
 * A stream frees space in whole segments. It holds one record per change of a queue, so small segments
 * suffice.
 */
const SEGMENT_BYTES = 1_000_000

/** Records that RabbitMQ sends before they are acknowledged. */
const PREFETCH = 1_000

/**
 * Time without a record after which the register counts as read and this instance adds to it, in
 * milliseconds.
 */
const QUIET_MS = 500

/** How long records may arrive without a pause before the records read so far are used anyway, in milliseconds. */
const MAX_UNQUIET_MS = 5_000

/** How long a caller waits for the register to be read, in milliseconds: several times what it takes without load. */
const READ_WAIT_MS = 2_000

/** How long a stop waits for its last records to be stored, in milliseconds. */
const STOP_GRACE_MS = 1_000

const PROPERTIES = { contentType: "application/json", deliveryMode: 2 }

/** Backoff before the register is read or written again. */
const RESUME_BACKOFF: Backoff = { initialMs: 500, factor: 2, maxMs: 60_000 }

export interface QueueRegisterOptions {
  /** False with `TOPOLOGY=passive`: nothing may be declared, so there is no register. */
  readonly isAllowed: boolean
  /** The queues that this instance declares. */
  readonly own: Pick<OwnQueues, "has" | "values">
  /** The connection for streams. @throws {PublishError} while nothing can be published on it. */
  readonly publishing: () => AMQPClient
  /** Declares one of this instance's queues again, after another instance deleted or unbound it. */
  readonly redeclare: (queue: string) => Promise<void>
  /** Called once the register has been read from its beginning. */
  readonly onRead: () => void
  readonly report: Report
}

/**
 * The queues that any instance has declared. AMQP can't list queues, so a queue whose module is removed would
 * keep receiving events unnoticed. Each instance reads the register from its beginning and follows it, and
 * all see the records in the same order. It is a stream, because a stream keeps its records and delivers
 * every one to each instance.
 */
export class QueueRegister {
  readonly #options: QueueRegisterOptions
  readonly #readDelays = new RetryDelays(RESUME_BACKOFF)
  readonly #writeDelays = new RetryDelays(RESUME_BACKOFF)
  /** The content of the register. On a new connection, the previous content until it has been read again. */
  #known = new Map<string, QueueDeclaration>()
  #routes = new RoutingTable<string>()
  #reading = this.#known
  /** Own queues that this process has added to the register. */
  readonly #told = new Set<string>()
  /** Own queues whose bindings were compared with those in the register. */
  readonly #compared = new Set<string>()
  #client: AMQPClient | null = null
  #readTimer: Timer | undefined
  #quietTimer: Timer | undefined
  /** True while the register is followed. */
  #isReading = false
  #isTelling = false
  #hasFailed = false
  #isStopped = false
  /** When the first of the records came that are not in force yet, by the monotonic clock. */
  #unquietSince: number | null = null
  /** The connection on which the register was read last. */
  #readOn: AMQPClient | null = null
  /** Resolves when the register is read next, or turns out not to be readable. */
  #nextRead = Promise.withResolvers<void>()
  /** RabbitMQ does not let this user have the register. */
  #isRefused = false
  /** Resolves when the register exists on this connection, or can't be declared: RabbitMQ ends connections that use it before. */
  #declared = Promise.withResolvers<void>()
  /** Connections in a row that RabbitMQ ended while the register was read. */
  #endedConnections = 0
  readonly #unreadable: UnreadableRecords

  constructor(options: QueueRegisterOptions) {
    this.#options = options
    this.#unreadable = new UnreadableRecords(options.report)
  }

  /** True if the register can be used; it may not have been read yet. */
  get isUsable(): boolean {
    return this.#options.isAllowed && !this.#hasFailed
  }

  get(queue: string): QueueDeclaration | undefined {
    return this.#known.get(queue)
  }

  /** Waits for the register to be read on the current connection, for two seconds at most, and says which queues are known. */
  async knowledge(): Promise<QueueKnowledge> {
    const current = (): QueueKnowledge => {
      if (!this.#options.isAllowed || this.#isRefused) return "own"
      const client = this.#client
      return client !== null && !client.closed && client === this.#readOn ? "all" : "unread"
    }
    if (current() === "unread") await Promise.race([this.#nextRead.promise, Bun.sleep(READ_WAIT_MS)])
    return current()
  }

  /** The queues that this instance does not declare. */
  undeclared(): readonly QueueDeclaration[] {
    return [...this.#known.values()].filter(({ name }) => !this.#options.own.has(name))
  }

  /** Returns the names of the queues that an event is routed to and that this instance does not declare. */
  namesOf(routingKey: string): readonly string[] {
    return this.#routes.route(routingKey).filter((name) => !this.#options.own.has(name))
  }

  /** Reads the register on a new connection. */
  start(client: AMQPClient): void {
    this.#client = client
    this.#reading = this.#known
    this.#isReading = false
    this.#isRefused = false
    this.#declared = Promise.withResolvers()
    clearTimeout(this.#readTimer)
    if (!this.#options.isAllowed || this.#isStopped) this.#declared.resolve()
    else if (this.#endedConnections === 0) {
      this.#readDelays.reset()
      void this.#read(client)
    } else this.#readTimer = setTimeout(() => void this.#read(client), this.#readDelays.next())
  }

  /** Adds own queues that are missing in the register, when it has been read. */
  declared(): void {
    if (this.#isReading) this.#settleOnceQuiet()
  }

  /**
   * Resolves when the record is stored. Uses its own channel, because RabbitMQ closes the channel of a
   * user who may not write to the default exchange, with everything that others publish on it.
   */
  async add(record: QueueRecord): Promise<void> {
    if (this.#client !== null) await Promise.race([this.#declared.promise, Bun.sleep(READ_WAIT_MS)])
    const channel = await this.#options.publishing().channel()
    let isReturned = false
    channel.onReturn = () => {
      isReturned = true
    }
    try {
      await channel.confirmSelect()
      await channel.basicPublish("", QUEUE_REGISTER, JSON.stringify(record), PROPERTIES, true)
    } finally {
      // A closed channel needs no cleanup.
      await channel.close().catch(() => {})
    }
    if (isReturned) throw new Error(`there is no queue ${QUEUE_REGISTER}`)
  }

  /**
   * Adds records that are still missing, if RabbitMQ accepts them within a second, and stops reading. Never
   * rejects.
   */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#readTimer)
    clearTimeout(this.#quietTimer)
    if (!this.#isReading) return
    const { promise: tooLate, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, STOP_GRACE_MS)
    // Otherwise the next process with these modules adds them.
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
      this.#declared.resolve()
      await channel.basicQos(PREFETCH)
      this.#reading = read
      this.#unreadable.begin()
      // Past the library's list of consumers: it drops records that arrive together with the answer to basic.consume.
      channel.deliver = (message) => this.#take(message, read)
      const params = { noAck: false, args: { "x-stream-offset": "first" } }
      const consumer = await channel.basicConsume(QUEUE_REGISTER, params, () => {})
      consumer.wait().catch((cause: unknown) => {
        channel.close().catch(() => {})
        this.#readLater(client, cause)
      })
      this.#isReading = true
      this.#settleOnceQuiet()
    } catch (cause) {
      this.#readLater(client, cause)
    }
  }

  #readLater(client: AMQPClient, cause: unknown): void {
    if (client !== this.#client) return
    this.#isReading = false
    this.#declared.resolve()
    clearTimeout(this.#quietTimer)
    if (this.#isStopped) return
    if (client.closed) {
      if (endsConnection(cause) && ++this.#endedConnections > 1) this.#fail(cause)
      return
    }
    this.#fail(cause)
    if (LASTING_REFUSALS.has(replyIn(cause)?.code ?? 0)) {
      this.#isRefused = true
      this.#tellReaders()
    }
    clearTimeout(this.#readTimer)
    this.#readTimer = setTimeout(() => void this.#read(client), this.#readDelays.next())
  }

  /** Logged once, until the register can be used again. */
  #fail(cause: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    const fields = { register: QUEUE_REGISTER, reason: refusalText(cause) }
    this.#options.report(
      "warn",
      "queues of removed modules can't be found: the queue register can't be used",
      fields,
    )
  }

  #take(message: AMQPMessage, read: Map<string, QueueDeclaration>): void {
    // After a lost channel, the register is read again from its beginning.
    message.ack().catch(() => {})
    if (read !== this.#reading) return
    const body = bytesOf(message)
    const record = parseRecord(body)
    if (record === null) this.#unreadable.add(body)
    else applyRecord(record, read)
    if (record !== null && read === this.#known) {
      const name = record.kind === "declared" ? record.queue.name : record.name
      this.#routes.bind(name, read.get(name)?.bindings ?? [])
    }
    this.#settleOnceQuiet()
  }

  /** A program that writes all the time does not keep the register from being read. */
  #settleOnceQuiet(): void {
    const now = performance.now()
    this.#unquietSince ??= now
    this.#settleLater(Math.min(QUIET_MS, Math.max(0, this.#unquietSince + MAX_UNQUIET_MS - now)))
  }

  #settleLater(delayMs: number): void {
    clearTimeout(this.#quietTimer)
    if (!this.#isStopped) this.#quietTimer = setTimeout(() => void this.#settle(), delayMs)
  }

  /** The whole register has been read: applies it, and adds missing queues of this instance. */
  async #settle(): Promise<void> {
    this.#unquietSince = null
    this.#unreadable.tell()
    if (this.#known !== this.#reading) {
      this.#known = this.#reading
      this.#routes = new RoutingTable()
      for (const { name, bindings } of this.#known.values()) this.#routes.bind(name, bindings)
      this.#readOn = this.#client
      this.#isRefused = false
      this.#options.onRead()
      this.#tellReaders()
    }
    this.#readDelays.reset()
    this.#endedConnections = 0
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      await this.#tell()
      this.#writeDelays.reset()
      this.#hasFailed = false
    } catch (cause) {
      // The engine's status shows that RabbitMQ is unavailable or blocked.
      if (!(cause instanceof PublishError)) this.#fail(cause)
      this.#settleLater(this.#writeDelays.next())
    } finally {
      this.#isTelling = false
    }
  }

  #tellReaders(): void {
    this.#nextRead.resolve()
    this.#nextRead = Promise.withResolvers()
  }

  async #tell(): Promise<void> {
    for (const queue of this.#options.own.values()) {
      const { name } = queue
      const known = this.#known.get(name)
      this.#tellOtherBindings(queue, known?.bindings ?? [])
      const isTold = this.#told.has(name)
      // Limits are added once: otherwise two instances with different limits would answer each other forever.
      if (covers(known, queue) && (isTold || hasLimitsOf(known, queue))) continue
      if (isTold) await this.#options.redeclare(name)
      await this.add({ kind: "declared", queue })
      this.#told.add(name)
    }
  }

  /**
   * Reports, once for each queue, bindings that this instance does not declare. RabbitMQ keeps them. They can be those of
   * an earlier version of a module, or of another instance, which still needs them.
   */
  #tellOtherBindings({ name, bindings }: QueueDeclaration, known: readonly string[]): void {
    if (this.#compared.has(name)) return
    this.#compared.add(name)
    const others = known.filter((pattern) => !bindings.includes(pattern))
    if (others.length === 0) return
    this.#options.report(
      "info",
      `${name} is also bound to patterns that no module of this instance has: unless another instance needs them, ` +
        "delete these bindings from RabbitMQ",
      { queue: name, patterns: others },
    )
  }
}
