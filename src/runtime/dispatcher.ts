import type { Delivery, Engine, Subscription } from "../engine/engine.ts"
import type { Event } from "../event/envelope.ts"
import { summarizeError } from "../event/failure.ts"
import { decodeEvent } from "../event/validate.ts"
import type { Logger } from "../telemetry/logger.ts"
import { type Decision, decide, recordFailure } from "./delivery-policy.ts"
import { HandlerTable } from "./handler-table.ts"
import type { ModuleManifest } from "./manifest.ts"
import type { Pool } from "./pool.ts"

export interface DispatcherOptions {
  readonly engine: Engine
  readonly pool: Pool
  /** Deliveries of one queue that are held at a time, waiting for a worker or running in one. */
  readonly prefetch: number
  readonly logger: Logger
}

/** Takes deliveries from the engine, has the pool run them, and settles them by the delivery policy. */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #subscriptions: Subscription[] = []
  readonly #open = new Set<Promise<void>>()
  #handlers = new HandlerTable([])

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  /** Consumes the queues of these modules. A queue without a module is not consumed: its events wait. */
  start(manifests: readonly ModuleManifest[]): void {
    const { engine, prefetch } = this.#options
    this.#handlers = new HandlerTable(manifests)
    for (const queue of this.#handlers.queues) {
      this.#subscriptions.push(
        engine.consume(queue, { prefetch, onDelivery: (delivery) => this.#take(delivery) }),
      )
    }
  }

  /** No delivery begins after this. */
  stop(): void {
    for (const subscription of this.#subscriptions) subscription.cancel()
  }

  /** Resolves once every delivery that began is settled. */
  async settled(): Promise<void> {
    await Promise.all(this.#open)
  }

  #take(delivery: Delivery): void {
    const open = this.#handle(delivery).catch((error: unknown) => {
      // The engine could not settle it; it will deliver the event again.
      this.#options.logger.error(
        { queue: delivery.queue, error: summarizeError(error) },
        "a delivery was not settled",
      )
    })
    this.#open.add(open)
    void open.finally(() => this.#open.delete(open))
  }

  async #handle(delivery: Delivery): Promise<void> {
    const { attempt, lastFailure, queue } = delivery
    const context = { attempt: attempt - 1, lastFailure, now: Date.now() }
    let event: Event
    try {
      event = decodeEvent(delivery.body)
    } catch (error) {
      const failure = recordFailure("malformed", summarizeError(error), context, null)
      await this.#settle(delivery, null, { kind: "dead-letter", failure })
      return
    }
    const choice = this.#handlers.find(queue, event.name)
    if (choice === undefined) {
      const failure = recordFailure("no-handler", null, context, null)
      await this.#settle(delivery, event, { kind: "dead-letter", failure })
      return
    }
    const result = await this.#options.pool.run({
      ...choice,
      queue,
      eventId: event.id,
      body: delivery.body,
      priority: delivery.priority,
      attempt,
      lastError: lastFailure?.error ?? null,
      isAlone: lastFailure?.reason === "worker-crashed",
    })
    const { manifest } = choice
    await this.#settle(delivery, event, decide(result, { attempt, lastFailure, manifest, now: Date.now() }))
  }

  async #settle(delivery: Delivery, event: Event | null, decision: Decision): Promise<void> {
    this.#log(delivery, event, decision)
    switch (decision.kind) {
      case "ack":
        return delivery.ack()
      case "release":
        return delivery.release()
      case "retry":
        return delivery.retry(decision.delayMs, decision.failure)
      case "dead-letter":
        return delivery.deadLetter(decision.failure)
    }
  }

  #log({ queue, attempt }: Delivery, event: Event | null, decision: Decision): void {
    const { logger } = this.#options
    const about = { event_id: event?.id, queue, name: event?.name, attempt }
    switch (decision.kind) {
      case "ack":
        logger.debug(about, "event handled")
        break
      case "release":
        logger.debug(about, "event given back")
        break
      case "retry": {
        const { reason, error } = decision.failure
        logger.warn(
          { ...about, reason, error, retry_in_ms: decision.delayMs },
          "attempt failed; it will be retried",
        )
        break
      }
      case "dead-letter": {
        const { reason, error } = decision.failure
        logger.error({ ...about, reason, error }, "event is now a dead letter")
        break
      }
    }
  }
}
