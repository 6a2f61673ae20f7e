import type { BrokerReport } from "../engine/broker-report.ts"
import type { Engine, QueueDeclaration, QueueStats } from "../engine/engine.ts"
import type { UnfinishedQueue } from "../history/history-query.ts"
import type { LiveStream } from "../live/live-stream.ts"
import type { Publisher } from "../publisher/publisher.ts"
import type { Replays } from "../replay/replays.ts"
import type { SchemaCatalog } from "../schema/schema-catalog.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { Throughput } from "../telemetry/throughput.ts"
import type { KeyRing } from "./access/key-ring.ts"
import type { PageRules } from "./access/page-guard.ts"
import type { RateLimit } from "./access/rate-limit.ts"
import type { BodyLimits } from "./body-limits.ts"
import type { Cors } from "./cors.ts"
import type { ExchangeInfo } from "./description/async-api.ts"
import type { HealthReport } from "./health-report.ts"
import type { HistoryAccess } from "./history-access.ts"
import type { Modules } from "./module-set-view.ts"
import type { KeyedRequests } from "./publishing/keyed-requests.ts"

/** The server's side of a request. */
export interface Exchange {
  readonly requestId: string
  /** Returns the client's address, or null if its connection is closed. */
  address(): string | null
  /** Exempts the connection from the idle timeout until the returned value is disposed of. */
  mayTakeLong(): Disposable
  /**
   * Keeps the service from stopping until the returned value is disposed of, for responses that continue
   * after they have begun.
   */
  hold(): Disposable
  /** Aborts when the service stops: long responses must end soon. */
  readonly stopping: AbortSignal
}

/** Answers a request. The request's id is in the response and in the log. */
export type HttpApp = (request: Request, exchange: Exchange) => Promise<Response>

/** The queues that this instance consumes. */
export interface Consumption {
  /** Returns whether a queue has a handler module here. */
  hasModule(queue: string): boolean
  /**
   * Returns whether consumption of a queue is paused, also if its handler module was removed meanwhile; null if the queue has
   * no handler module here.
   */
  isPaused(queue: string): boolean | null
  /** Returns whether the workers have as many events of a queue as they take; false if it has no handler module here. */
  isBusy(queue: string): boolean
  /** Returns how many events of a queue this instance holds for their next attempt, because of their ordering key. */
  heldRetries(queue: string): number
  pause(queue: string): void
  resume(queue: string): void
}

/** The events that workers of this instance have. */
export interface Running {
  /** Returns how many events of a queue they have, without those whose delivery is lost. */
  of(queue: string): number
  /** Returns since when a worker has an event of a queue, in milliseconds since the epoch; null if none has it. */
  since(queue: string, id: string): number | null
}

/** Finds queues that nothing uses any more. */
export interface Orphans {
  /**
   * Returns whether a queue is not predefined, not consumed, and without a handler module on this instance.
   */
  isOrphaned(queue: QueueStats): boolean
  /** Checks the queues now, so that the health report is current. */
  look(): Promise<void>
}

/** How the console is served. */
export interface ConsoleSettings {
  readonly mode: "on" | "read-only" | "off"
  /** Name of the environment; empty if it has none. */
  readonly label: string
}

/** The parts of the service that the routes use. */
export interface HttpContext {
  readonly engine: Engine
  readonly publisher: Publisher
  readonly consumption: Consumption
  readonly running: Running
  readonly orphans: Orphans
  readonly modules: Modules
  readonly live: LiveStream
  /** The record of what became of each event; null if none is kept. */
  readonly history: HistoryAccess | null
  /** The stream of outcomes, by the name of the queue; null if no history is kept. */
  readonly outcomes: LiveStream | null
  /** The replays of past events; null if no history is kept. */
  readonly replays: Replays | null
  /** The queues with unfinished deliveries, by the history; null if the engine itself counts all events, or none is kept. */
  readonly unfinished: (() => Promise<readonly UnfinishedQueue[]>) | null
  /** The keys that requests need; null if the service is open. */
  readonly keys: KeyRing | null
  /** The schemas of events; null if there are none. */
  readonly catalog: SchemaCatalog | null
  readonly exchange: ExchangeInfo
  /** The predefined queues. */
  readonly queues: readonly QueueDeclaration[]
  /** Returns true until the queues and handlers are loaded; until then, only open routes are served. */
  readonly isStarting: () => boolean
  readonly health: () => Promise<HealthReport>
  /** How the connection to the broker is; null where the engine has none. */
  readonly brokerReport: (() => BrokerReport) | null
  /** The largest bodies of a publish and of a batch, in bytes. */
  readonly maxBodyBytes: number
  readonly maxBatchBytes: number
  readonly bodies: BodyLimits
  /** The requests with an idempotency key. */
  readonly keyed: KeyedRequests
  /** The request rate of each key; null if there is no limit. */
  readonly rates: RateLimit | null
  /** Which web pages may use the service, and through which host names. */
  readonly pages: PageRules
  /** Which web pages may read the responses; null if none may. */
  readonly cors: Cors | null
  /** How the console is served. */
  readonly console: ConsoleSettings
  /** Counts of the last hour. */
  readonly throughput: Throughput
  readonly version: string
  readonly metrics: Metrics
  readonly logger: Logger
}
