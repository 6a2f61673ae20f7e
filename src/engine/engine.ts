/**
 * The port between what Event Broker decides (http/, publisher/, runtime/) and what stores and delivers
 * events. An engine stores, routes, delivers, delays and reports; it has no policy of its own: how often to
 * retry, how long to wait and when to give up is decided above this port.
 *
 * Delivery is at least once, in order of priority and then of arrival.
 */
import type { Event } from "../event/envelope.ts"
import type { FailureReason, FailureRecord } from "../event/failure.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import type { TraceContext } from "../event/trace-context.ts"
import type { QueueAdministration } from "./queue-administration.ts"

export interface Engine {
  readonly name: "embedded" | "rabbitmq"

  /** What this engine does and another can't. Known once the engine has been ready. */
  readonly capabilities: EngineCapabilities

  /** What the engine can do at this moment. Never waits. */
  status(): EngineStatus

  /** Deletes, empties and unbinds queues. */
  readonly queueAdministration: QueueAdministration

  /**
   * Creates the queues, or updates those that exist; each with its bindings and its dead-letter queue.
   * A queue stays, and goes on taking events, until `queueAdministration` deletes it: an event for a handler module that
   * is missing today waits for it.
   */
  declareQueues(queues: readonly QueueDeclaration[]): Promise<void>

  /**
   * Stores the event durably on every queue whose bindings match its routing key. Resolves on the confirm:
   * a crash of the process or the machine after that does not lose the event. The trace context, where there is one,
   * comes with every delivery of the event.
   * @throws {PublishError} `unroutable`, `queue-full` or `engine-unavailable`; its `outcome` tells whether
   * the event may be stored all the same.
   */
  publish(event: Event, trace?: TraceContext | null): Promise<void>

  /**
   * Delivers the queue's events to `onDelivery`, at most `prefetch` of them unsettled at any time. Each
   * delivery must be settled once, by one of its four methods. What was unsettled when the process died is
   * delivered again, as the next attempt.
   */
  consume(queue: string, options: ConsumeOptions): Subscription

  /**
   * Tells of events as they are stored, by whatever instance: for those who look, not for those who handle. Nothing is
   * kept for a watcher, and retries and redrives are not told. Resolves once it has begun, with what ends it.
   * @throws {EngineUnavailableError}
   */
  watch(watcher: Watcher): Promise<() => void>

  /**
   * Every queue, with its depth. With the capability `findsUndeclaredQueues`, also those that only other processes
   * declared.
   */
  queueStats(): Promise<readonly QueueStats[]>

  /**
   * Returns a page of a queue's dead letters, the oldest first. A page is bounded in bytes; it may have fewer letters
   * than the selection's limit, or none, while there are more. Looking neither takes nor reorders them, and can be done
   * any number of times.
   * @param after the cursor of the page before; default: from the oldest
   * @throws {UnknownQueueError | EngineUnavailableError}
   * @throws {InvalidCursorError} if the cursor is none of this queue, or what it points to is gone
   */
  deadLetters(queue: string, selection: DeadLetterSelection, after?: string): Promise<DeadLetterPage>

  /**
   * Moves dead letters back to their queue, the oldest first, as events that were never tried. Each is stored on
   * the queue before it leaves the dead letters: killed in the middle, none is lost. Stops where the queue is full.
   * What becomes a dead letter meanwhile is left where it is, and so is a corrupt event. No letter is moved by two
   * redrives of one process.
   * @throws {UnknownQueueError | EngineUnavailableError} Those that were moved before stay moved.
   * @throws {PublishError} where the queue did not take one of them, for another reason than its length.
   */
  redrive(queue: string, selection: DeadLetterSelection, options?: RedriveOptions): Promise<Redriven>

  /**
   * Deletes dead letters for good.
   * @throws {UnknownQueueError | EngineUnavailableError} Those that were deleted before stay deleted.
   */
  purgeDeadLetters(queue: string, selection: DeadLetterSelection): Promise<Purged>

  /** Finishes what was begun, and lets go of the files or connections. Unsettled deliveries come again. */
  close(): Promise<void>
}

/** An event, as its queues have it. */
export interface StoredBody {
  readonly routingKey: string
  /** Not validated where another program published it, and maybe not JSON. */
  readonly body: string
  readonly isForeign: boolean
}

/** Who looks at events as they come. Neither method may throw or wait. */
export interface Watcher {
  onEvent(event: StoredBody): void
  /** Events may have been missed, nobody knows how many: the connection to the broker was away. */
  onGap(): void
}

/** How engines differ. What is not here, all of them do alike. */
export interface EngineCapabilities {
  /**
   * How waiting events are ordered: by each priority; by two levels, high and critical before the rest two times
   * out of three; or by arrival alone.
   */
  readonly priorities: "strict" | "two-level" | "none"
  /** The queues outlive the process with their declarations: they need not be declared again to be known. */
  readonly remembersQueues: boolean
  /**
   * `queueStats` has queues that this process did not declare, such as the queue of a handler module that is gone. If
   * false, they go on taking events unseen.
   */
  readonly findsUndeclaredQueues: boolean
  /** A queue that is declared again takes its new limits. Where not, other limits are refused. */
  readonly updatesQueues: boolean
  /** An event that one of its queues refuses is stored on none of them. */
  readonly refusesOnAllQueuesOrNone: boolean
  /** A length limit holds to the event, however many are published at once. */
  readonly hasExactLimits: boolean
  /** The attempt of a delivery that was released does not count. */
  readonly releaseKeepsAttempt: boolean
  /** What was tried before a release is stored. Where not, this process alone remembers it. */
  readonly storesTriedAttempts: boolean
  /** How long a delivery may be unsettled, in milliseconds; the engine takes it back after that. Null: for ever. */
  readonly maxUnsettledMs: number | null
  /** Each delivery that a crash cuts short counts; where not, several count as one. */
  readonly countsEveryRedelivery: boolean
  /** Dead letters keep their order when the process dies while it looks at them, redrives or purges. */
  readonly crashKeepsDeadLetterOrder: boolean
}

export type EngineStatus =
  /** With a warning, something happened that an operator has to know of, or a part of the engine can't be used. */
  | { readonly state: "ready"; readonly warning?: string }
  /**
   * Publishes and redrives are refused at once, for want of disk or memory; deliveries and their settlements go on, and
   * make room. The engine becomes ready by itself.
   */
  | { readonly state: "blocked"; readonly reason: string }
  /** Publishes are refused at once; the engine goes on trying to recover by itself. */
  | { readonly state: "unavailable"; readonly reason: string }
  /** The engine can't recover: what it holds is safe, and has to be opened anew by another process. */
  | { readonly state: "failed"; readonly reason: string }
  | { readonly state: "closed" }

export interface QueueDeclaration {
  readonly name: string
  /** Topic patterns; an event is stored on the queue once, however many of them match. */
  readonly bindings: readonly string[]
  /** How long an event may wait, in milliseconds, before it becomes a dead letter (`expired`). */
  readonly ttlMs: number
  /** How many events may wait. Those that were delivered, or wait for a retry, don't count. */
  readonly maxLength: number
  /** At `maxLength`: refuse the publish, or make the oldest waiting event a dead letter (`overflow`). */
  readonly overflow: "reject-publish" | "drop-head"
  /** Of all consumers, in every process, only one gets deliveries at a time. Default false. */
  readonly isSingleActiveConsumer?: boolean
}

export interface ConsumeOptions {
  /** How many deliveries may be unsettled at a time. */
  readonly prefetch: number
  /** How many more `setPrefetch` may ask for. Default 0. */
  readonly lookAhead?: number
  /** Called once the delivery is recorded. Must not throw. */
  readonly onDelivery: (delivery: Delivery) => void
}

export interface Subscription {
  /** Deliveries come as there are events; false while the engine is away, and until it has begun again by itself. */
  readonly isConsuming: boolean
  /**
   * No delivery begins after this returns; those that did can still be settled. Resolves once what was on its way or
   * is released is back in the queue, which may take until all the others are settled.
   */
  cancel(): Promise<void>
  /**
   * Changes the prefetch, for what is not delivered yet. False where the engine can't do so for this consumer: then it
   * has to be cancelled, and the next one of this queue, in any process, has the whole of its look-ahead at once.
   */
  setPrefetch(prefetch: number): boolean
}

/** One attempt to have one event of one queue handled. The promises of its methods resolve once it is durable. */
export interface Delivery {
  readonly queue: string
  /** The stored event, as JSON. Not validated: another program may have put it there. */
  readonly body: string
  /** The priority as the engine orders by it, 0 to 9. */
  readonly priority: number
  /** 1 for the first delivery on this queue. */
  readonly attempt: number
  /** The failure of the attempt before, where there was one. */
  readonly lastFailure: FailureRecord | null
  /** The trace that the event was published in. */
  readonly trace: TraceContext | null
  /** Another program put it there: this service has not checked it. */
  readonly isForeign: boolean
  /** It can't be settled any more, since the engine or the connection is gone; the event is delivered again. */
  readonly isLost: boolean

  /** The event is done on this queue. */
  ack(): Promise<void>
  /** The event comes again on this queue alone, after the delay, as the next attempt. */
  retry(delayMs: number, failure: FailureRecord): Promise<void>
  /** The event goes to the queue's dead letters. */
  deadLetter(failure: FailureRecord): Promise<void>
  /**
   * The event goes back, as if it had not been delivered: the attempt does not count. Before `cancel` at once, to
   * the front of its queue; after it to its place, once all that was delivered to the consumer is settled.
   * @param tried attempts that were made without settling it: the next delivery counts from them
   */
  release(tried?: Tried): Promise<void>
}

/** What was tried with a delivery before it was released. */
export interface Tried {
  /** The last attempt that was made. */
  readonly attempts: number
  readonly failure: FailureRecord
}

export interface QueueStats {
  readonly name: string
  readonly bindings: readonly string[]
  /** Events that wait to be delivered. */
  readonly messageCount: number
  readonly consumerCount: number
  readonly deadLetterCount: number
  /** How many events may wait. */
  readonly maxLength: number
  readonly overflow: QueueDeclaration["overflow"]
}

/** Which dead letters: those that all of what is given applies to; all of them where nothing is. */
export interface DeadLetterSelection {
  /** Those of these events. */
  readonly ids?: readonly string[]
  /** Those that failed for this reason. */
  readonly reason?: FailureReason
  /** Those of events with this name. What is not an event has neither a name nor an id. */
  readonly name?: string
  /** Those of events whose routing key lies in this space. What is not an event, or is corrupt, lies in none. */
  readonly within?: RoutingSpace
  /** The oldest of them, at most so many. Default: no limit. */
  readonly limit?: number
}

export interface RedriveOptions {
  /** Count what is selected, whether the queue has room for it or not, and move nothing. Default: false. */
  readonly dryRun?: boolean
}

export interface Redriven {
  /** How many were moved; of a dry run, how many are selected. */
  readonly redriven: number
  /** Dead letters that the queue still has; of a dry run, would have. */
  readonly remaining: number
  /** How many were selected and left because their event is not what was stored; absent if there are none. */
  readonly corrupt?: number
}

export interface Purged {
  readonly purged: number
  /** Dead letters that the queue still has. */
  readonly remaining: number
}

export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[]
  /** Continues behind the last letter that was looked at; null if there are no more. */
  readonly cursor: string | null
}

export interface DeadLetter {
  /** The event as it was. Not validated, and maybe not JSON: another program may have put it there. */
  readonly body: string
  /** Its times are 0 where nobody said when it failed. */
  readonly failure: FailureRecord
}
