import type { Delivery, Engine, Subscription } from "../engine/engine.ts"
import { KeyLanes } from "../engine/key-order/key-lanes.ts"
import { Waits } from "../engine/key-order/waits.ts"
import type { Event } from "../event/envelope.ts"
import { type DeadLetterReason, type RetryFailure, summarizeError } from "../event/failure.ts"
import { decodeEvent } from "../event/validate.ts"
import type { SchemaCheck } from "../schema/schema-check.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { HandlerTarget } from "../workers/attempt.ts"
import { applyDecision, logDecision, type SettledAttempt } from "./apply-decision.ts"
import { exceedsLimit, isLastAfterCrash, type LimitExceeded } from "./attempt-limit.ts"
import type { AttemptRunner } from "./attempt-runner.ts"
import { type Decision, decide, recordFailure } from "./delivery-policy.ts"
import type { HandlerTable } from "./handler-table.ts"
import { UncountedDeliveries } from "./uncounted-deliveries.ts"

export interface QueueIntakeOptions {
  readonly engine: Engine
  readonly queue: string
  /** Deliveries held at a time, waiting for a worker or running in one. */
  readonly prefetch: number
  readonly handlers: HandlerTable
  readonly runner: AttemptRunner
  readonly schemas: SchemaCheck | null
  readonly metrics: Metrics
  readonly logger: Logger
}

/** An event and the function that handles it. */
interface Match {
  readonly event: Event
  readonly target: HandlerTarget
}

/**
 * Deliveries beyond the prefetch, at most one for each event that waits for another of its key, so that other keys go
 * on.
 */
const MAX_LOOK_AHEAD = 1_000

/**
 * Longest wait for the next attempt of an event with an ordering key, in milliseconds, and as a part of the time that
 * the engine leaves a delivery unsettled. The event is held meanwhile.
 */
const MAX_HELD_MS = 600_000
const MAX_HELD_PART = 1 / 3

/** The part of that time after which all waiting events are given back, and how often the intake looks in that time. */
const GIVE_BACK_PART = 1 / 2
const LOOKS = 8

/** Holds back events with an ordering key, from the start of consuming to its end. */
const newHolding = () => ({ lanes: new KeyLanes(), waits: new Waits() })

/** Takes the deliveries of one queue, runs their handlers, and settles them by the delivery policy. */
export class QueueIntake {
  readonly #options: QueueIntakeOptions
  /** Deliveries that are not settled, with their time of arrival, the oldest first. */
  readonly #open = new Map<Promise<void>, number>()
  #look: Timer | undefined
  #state: "stopped" | "started" = "stopped"
  #subscription: Subscription | null = null
  #cancelled: Promise<void> = Promise.resolve()
  #starts = 0
  #prefetch: number
  #holding = newHolding()
  readonly #uncounted = new UncountedDeliveries()
  /**
   * Takes one event at a time while the first ones are at their last attempt after a crash, so that the one that ends
   * the process again takes no other with it. Only if the prefetch can change while consuming.
   */
  #isCautious = false

  constructor(options: QueueIntakeOptions) {
    this.#options = options
    this.#prefetch = options.prefetch
  }

  get isStarted(): boolean {
    return this.#state === "started"
  }

  /** True while the engine delivers. */
  get isConsuming(): boolean {
    return this.#subscription?.isConsuming ?? false
  }

  /** Starts consuming, once all earlier deliveries are settled, so that an ordering key has one event at a time. */
  start(): void {
    if (this.#state === "started") return
    this.#state = "started"
    const start = ++this.#starts
    const isLast = (): boolean => start === this.#starts && this.#state === "started"
    void this.#cancelled.then(() => this.settled()).then(() => isLast() && this.#consume())
  }

  /** Stops consuming. Gives back events that wait for another of their key, or for their next attempt. */
  stop(): void {
    this.#state = "stopped"
    clearInterval(this.#look)
    if (this.#subscription !== null) this.#cancelled = this.#subscription.cancel()
    this.#subscription = null
    this.#holding.lanes.close()
    this.#holding.waits.end()
  }

  /** Number of deliveries that are not settled. */
  get inFlight(): number {
    return this.#open.size
  }

  /** Resolves once every delivery that began is settled. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open.keys())
  }

  #consume(): void {
    const { engine, queue, prefetch } = this.#options
    this.#holding = newHolding()
    this.#isCautious = engine.capabilities.releaseKeepsAttempt
    this.#prefetch = this.#isCautious ? 1 : prefetch
    this.#subscription = engine.consume(queue, {
      prefetch: this.#prefetch,
      lookAhead: MAX_LOOK_AHEAD + prefetch - this.#prefetch,
      onDelivery: (delivery) => this.#take(delivery),
      onReturned: (delivery) => this.#uncounted.remember(delivery),
    })
    this.#lookForOld()
  }

  /**
   * Gives everything back, in order and with its attempts, before the engine takes away a delivery whose event waits
   * for others of its key or for its next attempt.
   */
  #lookForOld(): void {
    const maxMs = this.#maxUnsettledMs
    if (maxMs === null) return
    this.#look = setInterval(() => {
      const [oldest] = this.#open.values()
      const isOld = oldest !== undefined && performance.now() - oldest > maxMs * GIVE_BACK_PART
      if (isOld && this.#waiting > 0) this.#restart()
    }, maxMs / LOOKS)
  }

  /** Number of events that wait for another of their key, or for their next attempt. */
  get #waiting(): number {
    const { lanes, waits } = this.#holding
    return lanes.waiting + waits.size
  }

  get #maxUnsettledMs(): number | null {
    return this.#options.engine.capabilities.maxUnsettledMs
  }

  #restart(): void {
    this.stop()
    this.start()
  }

  #take(delivery: Delivery): void {
    const open = this.#handle(delivery).catch((error: unknown) => {
      // The engine could not settle it; it will deliver the event again.
      this.#options.logger.error(
        { queue: delivery.queue, error: summarizeError(error) },
        "a delivery was not settled",
      )
    })
    this.#open.set(open, performance.now())
    void open.finally(() => {
      this.#open.delete(open)
      if (delivery.isLost) this.#uncounted.remember(delivery)
    })
  }

  async #handle(delivery: Delivery): Promise<void> {
    let event: Event
    try {
      if (delivery.malformed !== null) throw delivery.malformed
      event = decodeEvent(delivery.body)
    } catch (error) {
      return this.#bury(delivery, null, "malformed", error)
    }
    try {
      if (delivery.isForeign) this.#options.schemas?.check(event)
    } catch (error) {
      return this.#bury(delivery, event, "schema", error)
    }
    const { handlers } = this.#options
    const target = handlers.find(delivery.queue, event.name)
    if (target === undefined) {
      const message = handlers.explainMissing(delivery.queue, event.name)
      return this.#setAside(delivery, event, { reason: "no-handler", error: { name: "NoHandler", message } })
    }
    const { capabilities } = this.#options.engine
    const exceeded = exceedsLimit(delivery, target.manifest, capabilities, this.#uncountedOf(delivery))
    if (exceeded !== null) return this.#setAside(delivery, event, exceeded)
    if (this.#isCautious && !isLastAfterCrash(delivery, target.manifest)) {
      this.#isCautious = false
      this.#lookAhead()
    }
    const match = { event, target }
    if (event.ordering_key !== undefined) return this.#handleInTurn(delivery, match, event.ordering_key)
    const { attempt, lastFailure } = delivery
    const decision = await this.#attempt(delivery, match, attempt, lastFailure)
    this.#tell(delivery, event, decision)
    if (decision.kind === "release") {
      // The engine delivers it again by itself.
      if (delivery.isLost) return
      this.#uncounted.remember(delivery)
    }
    await applyDecision(delivery, decision)
  }

  async #handleInTurn(delivery: Delivery, match: Match, key: string): Promise<void> {
    const { lanes, waits } = this.#holding
    this.#subscription?.keepOrder()
    const turn = lanes.enter(key)
    this.#lookAhead()
    if (!(await turn)) {
      this.#uncounted.remember(delivery)
      return delivery.release()
    }
    try {
      await this.#attemptUntilDone(delivery, match, waits)
    } finally {
      lanes.leave(key)
      this.#lookAhead()
    }
  }

  /** Holds the event while it waits for its next attempt: a new delivery would come behind later events of its key. */
  async #attemptUntilDone(delivery: Delivery, match: Match, waits: Waits): Promise<void> {
    let { attempt, lastFailure } = delivery
    // A lost delivery has come again, and waits for its turn behind this one.
    while (!delivery.isLost) {
      const decision = await this.#attempt(delivery, match, attempt, lastFailure)
      this.#tell({ queue: delivery.queue, trace: delivery.trace, attempt }, match.event, decision)
      if (decision.kind !== "retry") return applyDecision(delivery, decision)
      const mostMs = (this.#maxUnsettledMs ?? Number.POSITIVE_INFINITY) * MAX_HELD_PART
      const wait = waits.for(Math.min(decision.delayMs, MAX_HELD_MS, mostMs))
      this.#lookAhead()
      if (!(await wait)) {
        this.#uncounted.remember(delivery)
        return delivery.release({ attempts: attempt, failure: decision.failure })
      }
      this.#lookAhead()
      attempt++
      lastFailure = decision.failure
    }
  }

  /** Number of deliveries of this event that the engine counts although they were not attempts. */
  #uncountedOf(delivery: Delivery): number {
    return this.#options.engine.capabilities.releaseKeepsAttempt ? 0 : this.#uncounted.of(delivery)
  }

  async #attempt(
    delivery: Delivery,
    { event, target }: Match,
    attempt: number,
    lastFailure: RetryFailure | null,
  ): Promise<Decision> {
    const { runner } = this.#options
    const { queue, body, priority, trace } = delivery
    const outcome = await runner.run({
      target,
      queue,
      eventId: event.id,
      body,
      priority,
      attempt,
      lastFailure,
      trace,
      isLost: () => delivery.isLost,
    })
    return decide(outcome, { attempt, lastFailure, manifest: target.manifest, now: Date.now() })
  }

  #bury(delivery: Delivery, event: Event | null, reason: DeadLetterReason, error: unknown): Promise<void> {
    return this.#setAside(delivery, event, { reason, error: summarizeError(error) })
  }

  /** Makes a delivery a dead letter without an attempt. */
  #setAside(delivery: Delivery, event: Event | null, { reason, error }: LimitExceeded): Promise<void> {
    const { attempt, lastFailure } = delivery
    const circumstances = { attempt: attempt - 1, lastFailure, now: Date.now() }
    const failure = recordFailure(reason, error, circumstances, null)
    const decision: Decision = { kind: "dead-letter", failure }
    this.#tell(delivery, event, decision)
    return applyDecision(delivery, decision)
  }

  #tell(attempt: SettledAttempt, event: Event | null, decision: Decision): void {
    const { metrics, logger } = this.#options
    metrics.decided(attempt.queue, decision.kind, "failure" in decision ? decision.failure.reason : null)
    logDecision(logger, attempt, event, decision)
  }

  /** Raises the prefetch by the number of events that wait for others. */
  #lookAhead(): void {
    const prefetch = (this.#isCautious ? 1 : this.#options.prefetch) + Math.min(MAX_LOOK_AHEAD, this.#waiting)
    if (prefetch === this.#prefetch) return
    this.#prefetch = prefetch
    const canChange = this.#subscription?.setPrefetch(prefetch) ?? true
    if (!canChange && this.#state === "started") this.#restart()
  }
}
