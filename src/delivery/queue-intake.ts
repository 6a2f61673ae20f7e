import type { Delivery, Engine, Subscription } from "../engine/engine.ts"
import type { AttemptLog } from "../event/attempt-log.ts"
import type { Event } from "../event/envelope.ts"
import { type DeadLetterFailure, summarizeError } from "../event/failure.ts"
import type { HistoryFact } from "../event/history-fact.ts"
import { linkOf } from "../event/lineage.ts"
import { decodeEvent } from "../event/validate.ts"
import type { SchemaCheck } from "../schema/schema-check.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { HandlerTarget } from "../workers/attempt.ts"
import { applyDecision, logDecision } from "./apply-decision.ts"
import { attemptFact } from "./attempt-fact.ts"
import { type AttemptCount, exceedsLimit, isLastAfterCrash, type LimitExceeded } from "./attempt-limit.ts"
import type { AttemptRunner } from "./attempt-runner.ts"
import { type Decision, decide, recordFailure } from "./delivery-policy.ts"
import type { HandlerTable } from "./handler-table.ts"
import { UncountedDeliveries } from "./uncounted-deliveries.ts"

/** The part of a module set that handles a queue. */
export interface QueueHandlers {
  readonly handlers: HandlerTable
  /** Deliveries held at a time, waiting for a worker or running in one. */
  readonly prefetch: number
}

export interface QueueIntakeOptions {
  readonly engine: Engine
  readonly queue: string
  readonly runner: AttemptRunner
  readonly schemas: SchemaCheck | null
  /** Called when a delivery has become a dead letter. The event is null if the message is none. */
  readonly onDeadLetter: (delivery: Delivery, event: Event | null, failure: DeadLetterFailure) => void
  readonly metrics: Metrics
  readonly logger: Logger
}

/** An event and the function that handles it. */
interface Match {
  readonly event: Event
  readonly target: HandlerTarget
}

/** An event that becomes a dead letter without an attempt, and the reason. Null if the message is not an event. */
interface Misfit extends LimitExceeded {
  readonly event: Event | null
}

/** An attempt that was run to its end. */
interface Ended {
  readonly decision: Decision
  readonly fact: HistoryFact | undefined
}

type State =
  /** `ended` resolves when the last consumer has ended. */
  | { readonly name: "stopped"; readonly ended: Promise<void> }
  /** It consumes once the last consumer has ended and all of its deliveries are settled. */
  | { readonly name: "starting"; readonly ended: Promise<void> }
  | { readonly name: "consuming"; readonly subscription: Subscription }

/** Takes the deliveries of one queue, runs their handlers, and settles them by the delivery policy. */
export class QueueIntake {
  readonly #options: QueueIntakeOptions
  /** Deliveries that are not settled. */
  readonly #open = new Set<Promise<void>>()
  #state: State = { name: "stopped", ended: Promise.resolve() }
  readonly #uncounted = new UncountedDeliveries()
  #use: QueueHandlers

  constructor(options: QueueIntakeOptions, use: QueueHandlers) {
    this.#options = options
    this.#use = use
  }

  /**
   * Handles the queue's events with another module set. Deliveries whose function has not begun go to the new one. With
   * another prefetch, the consumer is replaced, and deliveries wait until those that began are settled.
   */
  use(next: QueueHandlers): void {
    const isRestarted = this.isStarted && next.prefetch !== this.#use.prefetch
    this.#use = next
    if (!isRestarted) return
    this.stop()
    this.start()
  }

  get isStarted(): boolean {
    return this.#state.name !== "stopped"
  }

  /** True while the engine delivers. */
  get isConsuming(): boolean {
    return this.#state.name === "consuming" && this.#state.subscription.isConsuming
  }

  /** Starts consuming, once all earlier deliveries are settled, so that an ordering key has one event at a time. */
  start(): void {
    if (this.#state.name !== "stopped") return
    const { ended } = this.#state
    const starting: State = { name: "starting", ended }
    this.#state = starting
    void ended
      .then(() => this.settled())
      .then(() => {
        // It may have been stopped, and started again, since.
        if (this.#state === starting) this.#state = { name: "consuming", subscription: this.#consume() }
      })
  }

  /** Stops consuming. Events that wait for another of their key, or for their next attempt, return to the queue. */
  stop(): void {
    const state = this.#state
    const ended = state.name === "consuming" ? state.subscription.cancel() : state.ended
    this.#state = { name: "stopped", ended }
  }

  /** Number of deliveries that are not settled. */
  get inFlight(): number {
    const waiting = this.#state.name === "consuming" ? this.#state.subscription.waiting : 0
    return this.#open.size + waiting
  }

  /** Number of deliveries that the engine holds until their next attempt is due, because of their ordering key. */
  get heldRetries(): number {
    return this.#state.name === "consuming" ? this.#state.subscription.retrying : 0
  }

  /** True while it holds as many deliveries as it may: the engine delivers the next one when one is settled. */
  get isFull(): boolean {
    return this.#open.size >= this.#use.prefetch
  }

  /** Resolves once every delivery that began is settled. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open)
  }

  #consume(): Subscription {
    const { engine, queue } = this.#options
    return engine.consume(queue, {
      prefetch: this.#use.prefetch,
      order: "by-key",
      mayTakeMore: (delivery) => this.#isHarmless(delivery),
      onDelivery: (delivery) => this.#take(delivery),
      onReturned: (delivery) => this.#uncounted.remember(delivery),
    })
  }

  #take(delivery: Delivery): void {
    const open = this.#settle(delivery)
    this.#open.add(open)
    void open.then(() => this.#open.delete(open))
  }

  /** Never rejects. */
  async #settle(delivery: Delivery): Promise<void> {
    try {
      await this.#handle(delivery)
    } catch (error) {
      // The engine could not settle it; it will deliver the event again.
      this.#options.logger.error(
        { queue: delivery.queue, error: summarizeError(error) },
        "a delivery was not settled",
      )
    }
    if (delivery.isLost) this.#uncounted.remember(delivery)
  }

  async #handle(delivery: Delivery): Promise<void> {
    if (!this.#use.handlers.has(delivery.queue)) return this.#giveBack(delivery)
    const match = this.#match(delivery)
    if ("reason" in match) return this.#setAside(delivery, match)
    const ended = await this.#attempt(delivery, match)
    // The attempt has not run, or not to its end: the modules that are in use now decide.
    if (ended === null) return this.#handle(delivery)
    if (ended.decision.kind === "release") return this.#giveBack(delivery, match.event)
    await this.#apply(delivery, match.event, ended.decision, ended.fact)
  }

  async #apply(
    delivery: Delivery,
    event: Event | null,
    decision: Decision,
    fact: HistoryFact | undefined,
  ): Promise<void> {
    this.#tell(delivery, event, decision)
    await applyDecision(delivery, decision, fact)
    if (decision.kind === "dead-letter") this.#options.onDeadLetter(delivery, event, decision.failure)
  }

  /** Returns an event to its queue without an attempt. */
  #giveBack(delivery: Delivery, event: Event | null = null): Promise<void> {
    const decision: Decision = { kind: "release" }
    this.#tell(delivery, event, decision)
    if (!delivery.isLost) this.#uncounted.remember(delivery)
    return applyDecision(delivery, decision, undefined)
  }

  /** Finds the function for a delivery, or the reason why it must not run. */
  #match(delivery: Delivery): Match | Misfit {
    const { schemas, engine } = this.#options
    const { handlers } = this.#use
    let event: Event | null = null
    try {
      if (delivery.malformed !== null) throw delivery.malformed
      event = decodeEvent(delivery.body)
      if (delivery.isForeign) schemas?.check(event)
    } catch (error) {
      return { event, reason: event === null ? "malformed" : "schema", error: summarizeError(error) }
    }
    const target = handlers.find(delivery.queue, event.name)
    if (target === undefined) {
      const message = handlers.explainMissing(delivery.queue, event.name)
      return { event, reason: "no-handler", error: { name: "NoHandler", message } }
    }
    const exceeded = exceedsLimit(this.#countOf(delivery), target.manifest, engine.capabilities)
    return exceeded === null ? { event, target } : { event, ...exceeded }
  }

  /**
   * Returns true if the event was not cut short by a crash, or has attempts left. While the first ones are at their last
   * attempt after a crash, each is taken alone, so that the one that ends the process again takes no other with it.
   */
  #isHarmless(delivery: Delivery): boolean {
    const match = this.#match(delivery)
    return "target" in match && !isLastAfterCrash(this.#countOf(delivery), match.target.manifest)
  }

  /** Counts the attempts, and leaves out deliveries that the engine counts although they were none. */
  #countOf(delivery: Delivery): AttemptCount {
    if (this.#options.engine.capabilities.releaseKeepsAttempt) return delivery
    const { attempt, failedAttempts, lastFailure } = delivery
    // A count that came with a retry does not hold them any more.
    const counted = Math.max(failedAttempts + 1, attempt - this.#uncounted.of(delivery))
    return { attempt: counted, failedAttempts, lastFailure }
  }

  /**
   * Number of attempts after this one, for the retry policy. RabbitMQ also counts deliveries that it took back before it
   * sent them, so there only attempts with an outcome use up the limit; `exceedsLimit` bounds those without.
   */
  #triedWith({ attempt, failedAttempts }: AttemptCount): number {
    return this.#options.engine.capabilities.releaseKeepsAttempt ? attempt : failedAttempts + 1
  }

  /** Returns null if another module set is in use before the function has run to its end. */
  async #attempt(delivery: Delivery, { event, target }: Match): Promise<Ended | null> {
    const { queue, body, priority, trace, lineage, replay } = delivery
    const count = this.#countOf(delivery)
    const { attempt, lastFailure } = count
    let durationMs = 0
    let log: AttemptLog | null = null
    const outcome = await this.#options.runner.run({
      target,
      queue,
      eventId: event.id,
      body,
      priority,
      attempt,
      lastFailure,
      trace,
      lineage,
      replay,
      link: linkOf(event),
      isLost: () => delivery.isLost,
      takenBackAt: delivery.takenBackAt,
      onRan(ms, lines) {
        durationMs = ms
        log = lines
      },
    })
    if (outcome.kind === "superseded") return null
    const now = Date.now()
    const { manifest } = target
    const decision = decide(outcome, { attempt: this.#triedWith(count), lastFailure, now, manifest })
    if (this.#options.engine.facts === null) return { decision, fact: undefined }
    const ended = { delivery, event, target, attempt, durationMs, log, now }
    return { decision, fact: attemptFact(ended, decision) }
  }

  /** Makes a delivery a dead letter without an attempt. */
  #setAside(delivery: Delivery, { event, reason, error }: Misfit): Promise<void> {
    const { attempt, lastFailure } = this.#countOf(delivery)
    const circumstances = { attempt: attempt - 1, lastFailure, now: Date.now() }
    const failure = recordFailure(reason, error, circumstances, null)
    return this.#apply(
      delivery,
      event,
      { kind: "dead-letter", failure },
      this.#setAsideFact(delivery, event, failure),
    )
  }

  #setAsideFact(
    { queue, isForeign }: Delivery,
    event: Event | null,
    { reason, error, lastFailedAt: at }: DeadLetterFailure,
  ): HistoryFact | undefined {
    // Nobody can ask for a message without an id.
    if (event === null || this.#options.engine.facts === null) return undefined
    const fact = { fact: "dead-lettered", at, id: event.id, queue, reason } as const
    return { ...fact, ...(error && { error }), ...(isForeign && { event }) }
  }

  #tell(delivery: Delivery, event: Event | null, decision: Decision): void {
    const { metrics, logger } = this.#options
    metrics.decided(delivery.queue, decision.kind, "failure" in decision ? decision.failure.reason : null)
    logDecision(logger, delivery, event, decision)
  }
}
