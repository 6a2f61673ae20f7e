import type { BrokerReport } from "../engine/broker-report.ts"
import type { Engine, QueueDeclaration, QueueStats } from "../engine/engine.ts"
import type { LiveStream } from "../live/live-stream.ts"
import type { Publisher } from "../publisher/publisher.ts"
import type { SchemaCatalog } from "../schema/schema-catalog.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { StoredKey } from "./access/key-file.ts"
import type { KeyRing } from "./access/key-ring.ts"
import type { PageRules } from "./access/page-guard.ts"
import type { Allowance, RateLimit } from "./access/rate-limit.ts"
import type { BodyLimits } from "./body-limits.ts"
import type { Cors } from "./cors.ts"
import type { ExchangeInfo } from "./description/async-api.ts"
import type { HealthReport } from "./health-report.ts"
import type { PathParameters } from "./path-parameters.ts"
import type { RequestBody } from "./request-body.ts"
import type { RequestHost } from "./request-host.ts"
import type { Route } from "./route.ts"

/** What the server hands to the app with each request. */
export interface Bindings {
  readonly requestId: string
  /** Returns the address that the request came from; null if its connection is gone. */
  readonly address: () => string | null
  /** Exempts the connection from the idle timeout, until the returned value is disposed of. */
  readonly mayTakeLong: () => Disposable
  /** Keeps the service from stopping before an answer is sent that goes on after it was begun. */
  readonly hold: () => Disposable
  /** Aborted once the service stops: an answer that goes on is to end soon. */
  readonly stopping: AbortSignal
}

/** A request to a route that is there, with a valid Host: what decides whether it is let in. */
export interface RequestHead {
  readonly route: Route
  readonly method: string
  readonly headers: Headers
  /** Null if the request names none. */
  readonly host: RequestHost | null
}

/** A request that was let in, as its route's handler gets it. */
export interface RouteRequest extends RequestHead, Bindings {
  readonly params: PathParameters
  /** The query of the URL with its question mark; empty if there is none. */
  readonly query: string
  /** The key of the request; null if the service has no keys, or the route is open. */
  readonly key: StoredKey | null
  /** What the key may still ask for; null if there is no limit. */
  readonly allowance: Allowance | null
  readonly body: RequestBody
}

/** Answers a request. Its id is in its answer, and in the log. */
export type HttpApp = (request: Request, bindings: Bindings) => Promise<Response>

/** Which queues this instance consumes. */
export interface Consumption {
  /** Whether a queue is not consumed for now; null for one that has no handler module here. */
  isPaused(queue: string): boolean | null
  pause(queue: string): void
  resume(queue: string): void
}

/** Which queues nothing needs any more. */
export interface Orphans {
  /** Whether a queue is neither predefined nor consumed, and has no handler module on this instance. */
  isOrphaned(queue: QueueStats): boolean
  /** Looks at the queues, so that the health is that of now. */
  look(): Promise<void>
}

/** What the routes need of the rest of the service. */
export interface HttpContext {
  readonly engine: Engine
  readonly publisher: Publisher
  readonly consumption: Consumption
  readonly orphans: Orphans
  readonly live: LiveStream
  /** The keys that requests need; null where the service is open. */
  readonly keys: KeyRing | null
  /** The schemas of events; null where there are none. */
  readonly catalog: SchemaCatalog | null
  readonly exchange: ExchangeInfo
  /** The queues that are always there. */
  readonly queues: readonly QueueDeclaration[]
  /** Whether the queues and handlers are not there yet; then the open routes alone are answered. */
  readonly isStarting: () => boolean
  readonly health: () => HealthReport
  /** How the connection to the broker is; null where the engine has none. */
  readonly brokerReport: (() => BrokerReport) | null
  /** The largest body of a publish and of a batch, in bytes. */
  readonly maxBodyBytes: number
  readonly maxBatchBytes: number
  readonly bodies: BodyLimits
  /** How often each key may ask; null where there is no limit. */
  readonly rates: RateLimit | null
  /** Which pages of the web may use the service, and by which names. */
  readonly pages: PageRules
  /** Which pages may read its answers; null for none. */
  readonly cors: Cors | null
  readonly version: string
  readonly metrics: Metrics
  readonly logger: Logger
}
