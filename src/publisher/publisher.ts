import type { Engine } from "../engine/engine.ts"
import { PublishError } from "../engine/errors.ts"
import type { Mark, Once } from "../engine/once.ts"
import type { Event } from "../event/envelope.ts"
import { EventInvalidError, LoopSuspectedError } from "../event/errors.ts"
import { EVENT_TYPES } from "../event/event-type.ts"
import type { Cause, Lineage } from "../event/lineage.ts"
import type { Receipt } from "../event/receipt.ts"
import { adviseOnTopic } from "../event/repeated-type.ts"
import type { TraceContext } from "../event/trace-context.ts"
import { completeEvent, validateDraft } from "../event/validate.ts"
import type { SchemaCheck } from "../schema/schema-check.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { Tracing } from "../telemetry/tracing.ts"
import { idMark } from "./deduplication.ts"
import { guardedLineage } from "./loop-guard.ts"

export interface PublisherOptions {
  readonly engine: Engine
  /** Most events that may wait for their confirm at once. More are refused, so that memory stays bounded. */
  readonly maxInFlight: number
  /** Most hops of a handler's event. 0: no limit. */
  readonly maxHops: number
  /** How long repeated publishes are recognized, in milliseconds. 0: never, and no publish may have marks. */
  readonly deduplicationWindowMs: number
  /** Checks events against their schemas; null if there are none. */
  readonly schemas: SchemaCheck | null
  readonly metrics: Metrics
  readonly tracing: Tracing
  /**
   * Explains why a queue is full and what to do about it; null if there is nothing to add. Default: no
   * explanation.
   */
  readonly explainFull?: (queue: string) => string | null
  /** Called for each event that a full queue refuses. */
  readonly onFull?: (queue: string, event: Event) => void
  /** Creates the id of an event that has none. Default: UUIDv7. */
  readonly newId?: () => string
  /** Returns milliseconds since the epoch. Default: the system's clock. */
  readonly now?: () => number
}

/** A stored event. If it repeats a publish, with the receipt of that one. */
export type Published = Event & Pick<Receipt, "duplicate" | "replayed">

const NO_MARKS: readonly Mark[] = []

/** The only way into the engine, for events from HTTP and from handlers. */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #newId: () => string
  readonly #now: () => number
  #inFlight = 0

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#newId = options.newId ?? Bun.randomUUIDv7
    this.#now = options.now ?? Date.now
  }

  /** Number of publishes waiting for their confirm. */
  get inFlight(): number {
    return this.#inFlight
  }

  /**
   * Validates a draft, completes it to an event and stores it. Resolves with the event when the engine has
   * confirmed it. An event with an id of its own, or with marks, is stored once.
   * @param trace the trace that the event is published in
   * @param cause the event whose handler publishes this one; null if it comes from outside
   * @param marks mark the event by the idempotency key of its request
   * @throws {EventInvalidError} if the draft is not a valid event.
   * @throws {LoopSuspectedError} if the event would have more hops than `maxHops`.
   * @throws {PublishError} if the event was not confirmed; its `outcome` says whether it may be stored.
   */
  publish(
    draft: unknown,
    trace: TraceContext | null = null,
    cause: Cause | null = null,
    marks: readonly Mark[] = NO_MARKS,
  ): Promise<Published> {
    return this.#publish(draft, trace, cause, this.#options.schemas, marks)
  }

  /**
   * Checks an event that was edited as if it were published.
   * @throws {EventInvalidError} if it does not keep to its schema
   */
  checkEdited(event: Event): void {
    this.#options.schemas?.check(event)
  }

  /**
   * Publishes an event of the service itself: no schema of a user describes it, and each is stored. Rejects as `publish`.
   */
  publishOwn(draft: unknown): Promise<Event> {
    return this.#publish(draft, null, null, null, null)
  }

  async #publish(
    draft: unknown,
    trace: TraceContext | null,
    cause: Cause | null,
    schemas: SchemaCheck | null,
    marks: readonly Mark[] | null,
  ): Promise<Published> {
    const { metrics, maxHops } = this.#options
    const begunAt = performance.now()
    try {
      const valid = validateDraft(draft)
      const event = completeEvent(valid, this.#newId, this.#now())
      schemas?.check(event)
      const lineage = cause && guardedLineage(event, cause, maxHops)
      const once = marks && this.#onceFor(event, valid.id !== undefined, marks)
      const repeats = await this.#store(event, trace, lineage, once)
      const outcome = repeats === null ? "stored" : "duplicate"
      metrics.published(event.type, outcome, (performance.now() - begunAt) / 1_000)
      return repeats === null ? event : { ...event, ...repeats }
    } catch (error) {
      metrics.published(typeOf(draft), codeOf(error), (performance.now() - begunAt) / 1_000)
      throw error
    }
  }

  #onceFor(event: Event, hasOwnId: boolean, marks: readonly Mark[]): Once | null {
    const windowMs = this.#options.deduplicationWindowMs
    if (windowMs === 0 || (!hasOwnId && marks.length === 0)) return null
    return { marks: hasOwnId ? [...marks, idMark(event)] : marks, windowMs }
  }

  async #store(
    event: Event,
    trace: TraceContext | null,
    lineage: Lineage | null,
    once: Once | null,
  ): Promise<Receipt | null> {
    const { engine, maxInFlight, tracing } = this.#options
    if (this.#inFlight >= maxInFlight) {
      throw new PublishError(
        "too-many-in-flight",
        `${maxInFlight} publishes are already waiting for their confirm`,
      )
    }
    this.#inFlight++
    const span = tracing.publishing({ eventId: event.id, routingKey: event.routing_key }, trace)
    try {
      const repeats = await engine.publish(event, { trace: span.trace, lineage, once })
      span.end(null)
      return repeats
    } catch (error) {
      span.end(codeOf(error))
      throw this.#explain(error, event)
    } finally {
      this.#inFlight--
    }
  }

  #explain(error: unknown, event: Event): unknown {
    if (!(error instanceof PublishError)) return error
    const { code, message, outcome, queue } = error
    if (code === "queue-full" && queue !== null) this.#options.onFull?.(queue, event)
    const why = queue === null ? null : (this.#options.explainFull?.(queue) ?? null)
    const addition = code === "unroutable" ? adviseOnTopic(event) : why === null ? "" : `; ${why}`
    return addition === ""
      ? error
      : new PublishError(code, message + addition, outcome, { cause: error, queue })
  }
}

/** Returns the type of a draft, or `unknown` if it is not one of the event types. */
function typeOf(draft: unknown): string {
  const type = typeof draft === "object" && draft !== null && "type" in draft ? draft.type : undefined
  return EVENT_TYPES.find((each) => each === type) ?? "unknown"
}

const codeOf = (error: unknown): string =>
  error instanceof PublishError || error instanceof EventInvalidError || error instanceof LoopSuspectedError
    ? error.code
    : "internal"
