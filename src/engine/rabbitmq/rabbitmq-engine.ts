import type { AMQPClient } from "@cloudamqp/amqp-client"
import type { Event } from "../../event/envelope.ts"
import type { Receipt } from "../../event/receipt.ts"
import type { BrokerReport } from "../broker-report.ts"
import type { DeadLetterPage, DeadLetterSelection, Purged, Redriven, RedriveOptions } from "../dead-letter.ts"
import type {
  ConsumeOptions,
  DeclareOptions,
  Engine,
  EngineCapabilities,
  EngineStatus,
  QueueDeclaration,
  QueueStats,
  ReplayedEvent,
  Subscription,
  Watcher,
} from "../engine.ts"
import { EngineStartError, EngineUnavailableError, PublishError } from "../errors.ts"
import type { PublishOptions } from "../once.ts"
import type { BrokerAddress } from "./connection/broker-address.ts"
import { BrokerLink } from "./connection/broker-link.ts"
import { KnownCapabilities } from "./connection/capabilities.ts"
import { blockedText, sessionOf, usableSession, whyDown } from "./connection/link-session.ts"
import { OutageLog } from "./connection/outage-log.ts"
import type { ServerProperties } from "./connection/server-properties.ts"
import { FirstSights } from "./consuming/first-sights.ts"
import { LiveQueue } from "./consuming/live-queue.ts"
import { QueueConsumers } from "./consuming/queue-consumers.ts"
import { DeadLetters } from "./dead-letters/dead-letters.ts"
import { LetterFacts } from "./dead-letters/letter-facts.ts"
import { storeRedriven } from "./dead-letters/store-redriven.ts"
import { describeBroker } from "./describe-broker.ts"
import type { RabbitMqEngineOptions } from "./engine-options.ts"
import { RabbitMqFactLog, recordNothing } from "./history/rabbitmq-fact-log.ts"
import { EventPublisher } from "./publishing/event-publisher.ts"
import { FullQueueRefusals } from "./publishing/full-queue-refusals.ts"
import { learnPublishes } from "./publishing/learnt-publishes.ts"
import type { Publishers } from "./publishing/publishers.ts"
import { RecentPublishes } from "./publishing/recent-publishes.ts"
import { Declarations } from "./queues/declarations.ts"
import { OwnQueues } from "./queues/own-queues.ts"
import { RabbitMqQueueAdministration } from "./queues/queue-administration.ts"
import { Topology } from "./topology/topology.ts"
import { Upkeep } from "./upkeep.ts"
import { propertiesOf } from "./wire/encode.ts"
import { uncorkNow } from "./wire/turn-cork.ts"

const itself = async (client: AMQPClient): Promise<AMQPClient> => client

/**
 * The engine on RabbitMQ. It has four connections: RabbitMQ blocks a publishing connection when memory or disk is short, and
 * ends one that uses a stream while it is made, deleted or broken, or empties a queue that does not work. Consumers must
 * continue in each case.
 */
export class RabbitMqEngine implements Engine {
  readonly name = "rabbitmq"
  readonly facts: RabbitMqFactLog | null
  readonly queueAdministration: RabbitMqQueueAdministration
  readonly #options: RabbitMqEngineOptions
  readonly #firstAddress: BrokerAddress
  readonly #topology: Topology
  readonly #own = new OwnQueues()
  readonly #recent: RecentPublishes
  readonly #consumers: QueueConsumers
  readonly #publishing: BrokerLink<Publishers>
  readonly #consuming: BrokerLink<AMQPClient>
  readonly #streams: BrokerLink<AMQPClient>
  readonly #managing: BrokerLink<AMQPClient>
  readonly #upkeep: Upkeep
  readonly #live: LiveQueue
  readonly #refusals = new FullQueueRefusals({
    depths: () => this.#upkeep.looks.freshDepths(),
    reset: () => this.#publishing.session?.events.renew(),
  })
  readonly #deadLetters: DeadLetters
  readonly #declarations: Declarations
  readonly #events: EventPublisher
  readonly #capabilities: KnownCapabilities
  readonly #reachable = (): AMQPClient => sessionOf(this.#consuming)
  #isClosed = false
  #lastState: EngineStatus["state"] = "unavailable"

  constructor(options: RabbitMqEngineOptions) {
    const [address] = options.access.addresses
    if (address === undefined) throw new EngineStartError("RABBITMQ_HOST names no host")
    this.#options = options
    this.#firstAddress = address
    this.#topology = new Topology(options.topology)
    this.#recent = new RecentPublishes(options)
    this.#capabilities = new KnownCapabilities(options)
    this.#upkeep = new Upkeep({
      ...options,
      topology: this.#topology,
      queues: () => this.#own.values(),
      elsewhere: () => this.queueAdministration,
      unsettledOf: (queue) => this.#consumers.unsettledOf(queue),
      declare: (queue) => this.#redeclare(queue),
      // Also for deliveries that are settled while the engine closes.
      publishers: () => usableSession(this.#publishing),
      client: this.#reachable,
      isClosed: () => this.#isClosed,
    })
    const { access, topology, recordsFacts = false } = options
    const { troubles, repairs, unusable } = this.#upkeep
    this.facts = recordsFacts
      ? new RabbitMqFactLog({
          ...options,
          mode: topology.mode,
          publishing: () => this.#publishing.state,
          publishesInFlight: () => this.#publishing.session?.events.inFlight ?? 0,
          sendEvents: () => uncorkNow(this.#publishing.session?.client.socket),
          troubles,
          onFacts: (lines) => learnPublishes(lines, this.#recent),
        })
      : null
    const record = this.facts?.record ?? recordNothing
    this.#deadLetters = new DeadLetters({
      client: () => sessionOf(this.#managing),
      store: (message, queue, edited) =>
        repairs.publish(queue, () =>
          storeRedriven(message, queue, () => this.#writable(queue).events, edited),
        ),
      facts: this.facts && new LetterFacts(record),
    })
    const outages = new OutageLog(options.report)
    const sights = new FirstSights()
    this.#consumers = new QueueConsumers({
      ...options,
      own: this.#own,
      topology: this.#topology,
      republish: (...what) => this.#upkeep.republisher.republish(...what),
      record,
      recordsFacts,
      redeclare: (queue) => repairs.declare(queue),
      sights,
      unusable,
      outages,
      session: () => this.#consuming.session,
      client: this.#reachable,
      server: () => this.#server,
    })
    this.#live = new LiveQueue({
      exchange: topology.exchange,
      isAllowed: topology.mode === "declare",
      patterns: () => this.#own.values().flatMap(({ bindings }) => bindings),
      sights,
    })
    this.queueAdministration = new RabbitMqQueueAdministration({
      ...options,
      own: this.#own,
      record,
      client: this.#reachable,
      managing: () => sessionOf(this.#managing),
      unusable,
      publishing: () => usableSession(this.#streams),
      redeclare: (queue) => this.#redeclare(queue),
      onChanged: () => this.#upkeep.looks.forget(),
    })
    this.#declarations = new Declarations({
      topology: this.#topology,
      own: this.#own,
      repairs,
      register: this.queueAdministration.register,
      reset: () => this.#publishing.reset(),
    })
    this.#events = new EventPublisher({
      exchange: topology.exchange,
      channel: () => this.#writable().events,
      route: (routingKey) => this.queueAdministration.route(routingKey),
      queuesOf: (routingKey) => this.queueAdministration.namesOf(routingKey),
      repairs,
      unusable,
      refusals: this.#refusals,
      facts: this.facts,
    })
    const link = { access, outages, onChange: () => this.#tellStatus() }
    this.#publishing = new BrokerLink({
      ...link,
      name: "event-broker publish",
      open: (client) => this.#openPublishers(client),
      // It is not known whether RabbitMQ has stored what was in flight.
      onBlocked: (publishers, reason) =>
        publishers.abandon(new PublishError("engine-unavailable", blockedText(reason), "unknown")),
    })
    this.#consuming = new BrokerLink({
      ...link,
      name: "event-broker consume",
      open: itself,
      onUp: (client) => this.#startConsuming(client),
    })
    this.#managing = new BrokerLink({ ...link, name: "event-broker manage", open: itself })
    this.#streams = new BrokerLink({
      ...link,
      name: "event-broker streams",
      open: async (client) => {
        this.queueAdministration.register.start(client)
        this.facts?.start(client)
        return client
      },
    })
  }

  get capabilities(): EngineCapabilities {
    return this.#capabilities.of(this.#server, this.queueAdministration.register.isUsable)
  }

  status(): EngineStatus {
    if (this.#isClosed) return { state: "closed" }
    const publishing = this.#publishing.state
    const consuming = this.#consuming.state
    if (publishing.kind === "blocked") return { state: "blocked", reason: blockedText(publishing.reason) }
    if (publishing.kind !== "up") return { state: "unavailable", reason: whyDown(publishing) }
    if (this.#consuming.session === null) return { state: "unavailable", reason: whyDown(consuming) }
    const { status } = publishing.session.events
    return status.state === "ready" ? this.#upkeep.readiness : status
  }

  /** Describes the connection. */
  report(): BrokerReport {
    return describeBroker({
      ...this.#options,
      address: this.#publishing.peer?.address ?? this.#firstAddress,
      server: this.#server,
      status: this.status(),
      isPublishing: this.#publishing.session?.events.status.state === "ready",
      isConsuming: this.#consuming.session !== null,
      heldDeliveries: this.#upkeep.republisher.held,
    })
  }

  async declareQueues(queues: readonly QueueDeclaration[], options: DeclareOptions = {}): Promise<void> {
    const links = [this.#publishing, this.#consuming, this.#managing]
    await Promise.all(links.map(({ firstAttempt }) => firstAttempt))
    const { session, state } = this.#publishing
    if (session !== null) {
      await this.#declarations.change(this.#consuming.session ?? session.client, queues, options)
    } else {
      if (options.whenAway === "reject") throw new EngineUnavailableError(whyDown(state))
      // The last connected broker does not allow something. It is tried again nevertheless.
      if (state.kind === "down" && state.cause instanceof EngineStartError) throw state.cause
      this.#declarations.accept(queues)
    }
    this.#upkeep.looks.forget()
    this.#live.redeclared()
    this.queueAdministration.register.declared()
  }

  async publish(event: Event, options: PublishOptions = {}): Promise<Receipt | null> {
    const store = (): Promise<void> => this.#events.publish(event, options)
    if (options.once) return this.#recent.publish(options.once, event, store)
    await store()
    return null
  }

  consume(queue: string, options: ConsumeOptions): Subscription {
    return this.#consumers.consume(queue, options)
  }

  watch(watcher: Watcher): Promise<() => void> {
    this.#reachable()
    return this.#live.watch(watcher)
  }

  async replay(queue: string, { event, body, replay }: ReplayedEvent): Promise<void> {
    await this.queueAdministration.require(queue)
    const message = { exchange: "", routingKey: queue, body, properties: propertiesOf(event, { replay }) }
    const at = Date.now()
    await this.#upkeep.repairs.publish(queue, () => this.#writable(queue).events.publish(message))
    await this.facts?.record({ fact: "replayed", at, id: event.id, queue, replay })
  }

  queueStats(): Promise<readonly QueueStats[]> {
    return this.#upkeep.looks.stats()
  }

  deadLetters(queue: string, selection: DeadLetterSelection, after?: string): Promise<DeadLetterPage> {
    return this.#ofKnown(queue, () => this.#deadLetters.look(queue, selection, after))
  }

  redrive(queue: string, selection: DeadLetterSelection, options: RedriveOptions = {}): Promise<Redriven> {
    return this.#ofKnown(queue, () => {
      // Both fail before any message is taken.
      sessionOf(this.#managing)
      if (!options.dryRun) this.#writable(queue)
      return this.#deadLetters.redrive(queue, selection, options)
    })
  }

  purgeDeadLetters(queue: string, selection: DeadLetterSelection): Promise<Purged> {
    return this.#ofKnown(queue, () => this.#deadLetters.purge(queue, selection))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#consumers.cancel()
    await this.queueAdministration.stop()
    await this.#publishing.session?.drained()
    await this.facts?.stop()
    const links = [this.#publishing, this.#consuming, this.#streams, this.#managing, this.#consumers]
    await Promise.all(links.map((each) => each.close()))
  }

  /** The broker of the last connection; null before the first one. */
  get #server(): ServerProperties | null {
    return this.#publishing.peer?.server ?? null
  }

  async #openPublishers(client: AMQPClient): Promise<Publishers> {
    await this.#declarations.restore(client)
    return this.#upkeep.openPublishers(client, {
      onLost: () => this.#publishing.reset(),
      onStatusChange: () => this.#tellStatus(),
      isExplained: (outgoing) => this.#events.isExplained(outgoing),
      onSlow: (outgoing) => this.#consumers.check(this.#events.goalsOf(outgoing)),
    })
  }

  async #startConsuming(client: AMQPClient): Promise<void> {
    await this.#consumers.start(client)
    this.#live.reconnected(client)
    this.queueAdministration.instanceCount.start(client)
  }

  #tellStatus(): void {
    const status = this.status()
    if (status.state === this.#lastState) return
    this.#lastState = status.state
    this.#options.onStatusChange?.(status)
  }

  async #ofKnown<Result>(queue: string, work: () => Promise<Result>): Promise<Result> {
    await this.queueAdministration.require(queue)
    return this.#upkeep.repairs.whereMissing(queue, work)
  }

  async #redeclare(queue: string): Promise<void> {
    const declaration = this.#own.get(queue)
    if (declaration === undefined) return
    await this.#topology.declare(usableSession(this.#publishing).client, [declaration])
    this.#live.rebound()
  }

  /** @param queue where the events go, if that is one queue */
  #writable(...queue: readonly string[]): Publishers {
    if (this.#isClosed) throw new PublishError("engine-unavailable", "the engine is closed")
    this.#upkeep.unusable.check(() => queue)
    return usableSession(this.#publishing)
  }
}
