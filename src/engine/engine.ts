/**
 * The port between Event Broker's policy (http/, publisher/, delivery/) and the durable storage and delivery
 * of events. An engine stores, routes, delivers, delays and reports. It has no policy: code above this port
 * decides how often to retry, how long to wait and when to give up.
 *
 * Delivery is at least once, by priority and then in order of arrival.
 */
import type { Event } from "../event/envelope.ts"
import type { MalformedEventError } from "../event/errors.ts"
import type { DeadLetterFailure, RetryFailure } from "../event/failure.ts"
import type { HistoryFact } from "../event/history-fact.ts"
import type { Lineage } from "../event/lineage.ts"
import type { Receipt } from "../event/receipt.ts"
import type { TraceContext } from "../event/trace-context.ts"
import type { DeadLetterPage, DeadLetterSelection, Purged, Redriven, RedriveOptions } from "./dead-letter.ts"
import type { FactLog } from "./fact-log.ts"
import type { PublishOptions } from "./once.ts"
import type { QueueAdministration } from "./queue-administration.ts"
import type { QueueStats } from "./queue-stats.ts"

export type { QueueStats } from "./queue-stats.ts"

export interface Engine {
  readonly name: "embedded" | "rabbitmq"

  /** The capabilities of this engine. Known after the engine has been ready once. */
  readonly capabilities: EngineCapabilities

  /** Returns what the engine can do now. Never waits. */
  status(): EngineStatus

  /** The record of what became of each event; null if the history is off. */
  readonly facts: FactLog | null

  /** Deletes, purges and unbinds queues. */
  readonly queueAdministration: QueueAdministration

  /**
   * Creates queues, or updates existing ones, each with its bindings and its dead-letter queue. A queue stays
   * and keeps receiving events until `queueAdministration` deletes it, because events for a handler module
   * that is missing today wait for it. If one of them is refused, no queue gets new events.
   * @throws {QueueRefusedError | EngineStartError} if the engine can't be used so
   * @throws {EngineUnavailableError} if it can't be asked, as the options say
   */
  declareQueues(queues: readonly QueueDeclaration[], options?: DeclareOptions): Promise<void>

  /**
   * Stores the event durably on every queue whose bindings match its routing key. Resolves with null on the confirm:
   * after that, a crash of the process or the machine does not lose the event. Resolves with the receipt of the first
   * publish, and stores nothing, if this is a repetition by the option `once`. A publish that is refused leaves no
   * mark.
   * @throws {PublishError} `unroutable`, `queue-full`, `engine-unavailable` or another code; its `outcome`
   * says whether the event may be stored nevertheless.
   */
  publish(event: Event, options?: PublishOptions): Promise<Receipt | null>

  /**
   * Stores a past event on one queue again, behind the events that wait, as one that was never tried. It is not published:
   * no other queue gets it, and the facts have it as `replayed`. Resolves when it is durable.
   * @throws {UnknownQueueError | EngineUnavailableError}
   * @throws {PublishError} if the queue refuses it, such as `queue-full`.
   */
  replay(queue: string, replayed: ReplayedEvent): Promise<void>

  /**
   * Delivers the queue's events to `onDelivery`, at most `prefetch` of them at any time for which none of their four methods was
   * called. Settle each delivery once, with one of these. Deliveries that were unsettled when the process died
   * are delivered again, as the next attempt. An order by key holds within one consumer: let the previous one's
   * cancel resolve before the next one begins.
   */
  consume(queue: string, options: ConsumeOptions): Subscription

  /**
   * Streams events as any instance stores them, except retries and redrives. For observers; use `consume` to
   * process events. Nothing is stored for a watcher. Resolves when watching has begun, with a function that
   * ends it.
   * @throws {EngineUnavailableError}
   */
  watch(watcher: Watcher): Promise<() => void>

  /**
   * Returns every queue with its depth. With the capability `findsUndeclaredQueues`, this includes queues
   * that only other processes declared.
   */
  queueStats(): Promise<readonly QueueStats[]>

  /**
   * Returns a page of a queue's dead letters, the oldest first. A page is bounded in bytes; it may have fewer
   * dead letters than the selection's limit, or none, although more follow. Neither removes nor reorders dead
   * letters.
   * @param after the cursor of the previous page. Default: start with the oldest
   * @throws {UnknownQueueError | EngineUnavailableError}
   * @throws {InvalidCursorError} if the cursor does not belong to this queue, or its dead letter no longer
   * exists
   */
  deadLetters(queue: string, selection: DeadLetterSelection, after?: string): Promise<DeadLetterPage>

  /**
   * Moves dead letters back to their queue, the oldest first, as events that were never tried and have no
   * hops. Each one is
   * stored on the queue before it leaves the dead letters, so an interruption loses none. Stops when the
   * queue is full. Skips corrupt events, and events that become dead letters meanwhile. Two redrives of one
   * process never move the same dead letter. With the option `edited`, another event is stored instead.
   * @throws {UnknownQueueError | EngineUnavailableError} Dead letters that were already moved stay moved.
   * @throws {PublishError} if the queue refuses one for another reason than its length.
   */
  redrive(queue: string, selection: DeadLetterSelection, options?: RedriveOptions): Promise<Redriven>

  /**
   * Deletes dead letters permanently.
   * @throws {UnknownQueueError | EngineUnavailableError} Dead letters that were already deleted stay deleted.
   */
  purgeDeadLetters(queue: string, selection: DeadLetterSelection): Promise<Purged>

  /**
   * Finishes work in progress, and releases files and connections. Unsettled deliveries are delivered again.
   */
  close(): Promise<void>
}

export interface ReplayedEvent {
  readonly event: Event
  /** The event as JSON, as it was published. */
  readonly body: string
  /** Id of the replay. */
  readonly replay: string
}

/** An event as its queues store it. */
export interface StoredBody {
  readonly routingKey: string
  /** As in a delivery. */
  readonly body: string
  readonly isForeign: boolean
  readonly malformed: MalformedEventError | null
}

/** Observes events as they are stored. Neither method may throw or wait. */
export interface Watcher {
  onEvent(event: StoredBody): void
  /** An unknown number of events may have been missed, because the connection to the broker was lost. */
  onGap(): void
}

/** Differences between engines. Anything not listed behaves the same on every engine. */
export interface EngineCapabilities {
  /**
   * How waiting events are ordered. `strict`: by each priority. `two-level`: `high` and `critical` come
   * before the others two times out of three. `none`: by arrival only.
   */
  readonly priorities: "strict" | "two-level" | "none"
  /** Queues and their declarations outlive the process, so they are known without being declared again. */
  readonly remembersQueues: boolean
  /**
   * `queueStats` includes queues that this process did not declare, such as the queue of a removed handler
   * module. If false, such queues keep receiving events unnoticed.
   */
  readonly findsUndeclaredQueues: boolean
  /** Declaring a queue again applies its new limits. If false, different limits are refused. */
  readonly updatesQueues: boolean
  /** An event that one of its queues refuses is stored on none of them. */
  readonly refusesOnAllQueuesOrNone: boolean
  /** A length limit is exact, however many events are published at once. */
  readonly hasExactLimits: boolean
  /** A released delivery does not count as an attempt. */
  readonly releaseKeepsAttempt: boolean
  /** Attempts made before a release are stored. If false, only this process remembers them. */
  readonly storesTriedAttempts: boolean
  /**
   * Longest time that a delivery may stay unsettled, in milliseconds; the engine then takes it back. Null: no
   * limit.
   */
  readonly maxUnsettledMs: number | null
  /** Every delivery cut short by a crash counts as an attempt. If false, several may count as one. */
  readonly countsEveryRedelivery: boolean
  /** The publishes whose repetitions are recognized: all, also after a crash, or those of this process. */
  readonly deduplicates: "exact" | "per-instance"
  /** Dead letters keep their order if the process dies while it lists, redrives or purges them. */
  readonly crashKeepsDeadLetterOrder: boolean
  /** Knows `retryingCount` and `oldestWaitingMs` of each queue. If false, both are null. */
  readonly countsRetries: boolean
}

export type EngineStatus =
  /** A warning says that an operator should act, or that a part of the engine can't be used. */
  | { readonly state: "ready"; readonly warning?: string }
  /**
   * Refuses publishes and redrives at once, because disk or memory is short. Deliveries and settlements
   * continue and free space. The engine becomes ready again by itself.
   */
  | { readonly state: "blocked"; readonly reason: string }
  /** Refuses publishes at once. The engine keeps trying to recover. */
  | { readonly state: "unavailable"; readonly reason: string }
  /** The engine can't recover. Its data is safe; a new process has to open it again. */
  | { readonly state: "failed"; readonly reason: string }
  | { readonly state: "closed" }

export interface QueueDeclaration {
  readonly name: string
  /** Topic patterns. An event is stored once on the queue, however many of them match. */
  readonly bindings: readonly string[]
  /** How long an event may wait before it becomes a dead letter (`expired`), in milliseconds. */
  readonly ttlMs: number
  /** Most events that may wait. Delivered events, and events that wait for a retry, don't count. */
  readonly maxLength: number
  /** At `maxLength`: refuse the publish, or make the oldest waiting event a dead letter (`overflow`). */
  readonly overflow: "reject-publish" | "drop-head"
  /** Only one consumer, of all processes, receives deliveries at a time. Default: false. */
  readonly isSingleActiveConsumer?: boolean
}

export interface DeclareOptions {
  /**
   * If the engine can't be asked now. `later`: it is asked once it can be reached; a queue that it then refuses can't be
   * used, which its status says. `reject`: nothing changes. Default: `later`.
   */
  readonly whenAway?: "later" | "reject"
}

export interface ConsumeOptions {
  /** Most deliveries at a time whose settling has not begun. */
  readonly prefetch: number
  /**
   * `by-key`: the events of one ordering key are delivered one at a time, in order of arrival, also after a retry;
   * the retry of such an event is held, not stored, for at most `MAX_HELD_DELAY_MS`. Events that wait for another of
   * their key do not count for the prefetch. Default: `none`, which is by priority and arrival alone.
   */
  readonly order?: "none" | "by-key"
  /**
   * Asked with each delivery, with an order by key, until it returns true; before, the next event is taken only when
   * this one is settled. Must not throw. Default: the prefetch applies from the start. Only an engine with the
   * capability `releaseKeepsAttempt` asks.
   */
  readonly mayTakeMore?: (delivery: Delivery) => boolean
  /** Called after the delivery is recorded. Must not throw. */
  readonly onDelivery: (delivery: Delivery) => void
  /**
   * Called with each delivery that the engine gives back itself, because it came after a cancel, or waited for another
   * of its key or for its next attempt at the cancel. Must not throw.
   */
  readonly onReturned?: (delivery: Delivery) => void
}

export interface Subscription {
  /**
   * True while events are delivered; false while the engine is unavailable and until it resumes by itself.
   */
  readonly isConsuming: boolean
  /** Deliveries that the engine has taken from the queue and holds until another of their key is settled. */
  readonly waiting: number
  /** Deliveries that the engine holds until their next attempt is due, because of their key. */
  readonly retrying: number
  /**
   * Stops new deliveries at once; earlier ones can still be settled. Resolves when events that were on their
   * way, or are released, are back in the queue, which may take until all other deliveries are settled.
   */
  cancel(): Promise<void>
}

/**
 * One attempt to handle one event of one queue. The promises of its methods resolve when the settlement is
 * durable.
 */
export interface Delivery {
  readonly queue: string
  /** The stored event as JSON. Fields that another program omitted have the defaults of a publish. */
  readonly body: string
  /** The priority that the engine orders by, 0 to 9. */
  readonly priority: number
  /** 1 for the first delivery on this queue. */
  readonly attempt: number
  /** The failure of the previous attempt; null if there was none, or if its record could not be kept. */
  readonly lastFailure: RetryFailure | null
  /** Attempts before this one that failed. The others were cut short, or only counted by the engine. */
  readonly failedAttempts: number
  /** The trace that the event was published in. */
  readonly trace: TraceContext | null
  /** The lineage of an event that a handler published; null for every other event. */
  readonly lineage: Lineage | null
  /** Id of the replay that put the event on its queue again, or null. */
  readonly replay: string | null
  /** True if another program published the event, so this service has not checked it against its schema. */
  readonly isForeign: boolean
  /** The reason why a message of another program is not an event; `body` is then unchanged, possibly not JSON. */
  readonly malformed: MalformedEventError | null
  /** It can't be settled any more, since the engine or the connection is gone; the event is delivered again. */
  readonly isLost: boolean
  /**
   * When the engine takes it back if it is not settled, in milliseconds of `performance.now`: `maxUnsettledMs` after its
   * arrival. Null: never.
   */
  readonly takenBackAt: number | null

  /** Removes the event from this queue. As with the other settlements, the fact becomes durable with it or before it. */
  ack(fact?: HistoryFact): Promise<void>
  /**
   * Delivers the event again after the delay, on this queue only, as the attempt after those of the failure. If the
   * engine holds the event for its key, resolves when the event is delivered again, or back in the queue.
   */
  retry(delayMs: number, failure: RetryFailure, fact?: HistoryFact): Promise<void>
  /** Moves the event to the queue's dead letters. */
  deadLetter(failure: DeadLetterFailure, fact?: HistoryFact): Promise<void>
  /**
   * Returns the event to the queue as if it had not been delivered; the attempt does not count. Before
   * `cancel` the event returns to the front at once; after it, to its place, when everything delivered to the
   * consumer is settled. Does nothing with a lost delivery.
   * @param tried attempts made without a settlement: the next delivery counts from them
   */
  release(tried?: Tried): Promise<void>
}

/** Attempts made with a delivery before it was released. */
export interface Tried {
  /** Number of the last attempt. */
  readonly attempts: number
  readonly failure: RetryFailure
}
