import type { Config } from "../config.ts"
import { Dispatcher } from "../delivery/dispatcher.ts"
import { QueueWatch } from "../delivery/queue-watch.ts"
import type { Engine, QueueDeclaration } from "../engine/engine.ts"
import type { QueueLimits } from "../engine/queues.ts"
import { LiveStream } from "../live/live-stream.ts"
import { Publisher } from "../publisher/publisher.ts"
import type { SchemaCatalog } from "../schema/schema-catalog.ts"
import { SchemaCheck } from "../schema/schema-check.ts"
import { ServiceEvents } from "../service-events/service-events.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { Tracing } from "../telemetry/tracing.ts"
import { Pool } from "../workers/pool.ts"
import { RunningEvents } from "../workers/running-events.ts"
import { Facts } from "./facts.ts"

export interface PartsOptions {
  readonly config: Config
  readonly engine: Engine
  readonly metrics: Metrics
  readonly tracing: Tracing
  /** The schemas of events; null if there are none. */
  readonly catalog: SchemaCatalog | null
  /** The predefined queues. */
  readonly queues: readonly QueueDeclaration[]
  /** Entry file of the workers. */
  readonly workerUrl: string
  /** `process.env` of the handlers. */
  readonly handlerEnvironment: Readonly<Record<string, string>>
  readonly logger: Logger
}

/** The parts between the engine and the routes. */
export interface Parts {
  readonly serviceEvents: ServiceEvents
  readonly facts: Facts
  readonly publisher: Publisher
  readonly pool: Pool
  /** The events that the pool's workers have. */
  readonly running: RunningEvents
  readonly dispatcher: Dispatcher
  readonly watch: QueueWatch
  readonly live: LiveStream
}

/** Builds the parts that publish and handle events. Starts nothing. */
export function buildParts(options: PartsOptions): Parts {
  const { config, engine, metrics, tracing, catalog, queues, logger } = options
  const schemas = catalog && schemaCheck(catalog, config, logger)
  const watch = new QueueWatch({
    engine,
    predefined: queues.map(({ name }) => name),
    isPaused: (queue) => dispatcher.isPaused(queue),
    modulesBoundTo: (patterns) => dispatcher.modulesBoundTo(patterns),
    logger,
  })
  const serviceEvents = new ServiceEvents({
    isTaken: (name) => dispatcher.queuesTaking(name, routingKeyOf(name)).length > 0,
    publish: (draft) => publisher.publishOwn(draft),
    logger,
  })
  const facts = new Facts(serviceEvents, () => dispatcher.queuesTaking(ANY_NAME, routingKeyOf(ANY_NAME)))
  const publisher = new Publisher({
    engine,
    maxInFlight: config.MAX_IN_FLIGHT,
    maxHops: config.MAX_HOPS,
    deduplicationWindowMs: config.DEDUPLICATION_WINDOW,
    schemas,
    metrics,
    tracing,
    explainFull: (queue) => watch.explainFull(queue),
    onFull: facts.queueFull,
  })
  const running = new RunningEvents()
  const pool = new Pool({
    size: config.WORKER_POOL_SIZE,
    prefetch: config.WORKER_PREFETCH_COUNT,
    workerUrl: options.workerUrl,
    environment: options.handlerEnvironment,
    memoryLimitBytes: config.WORKER_MEMORY,
    publish: (draft, trace, cause) => publisher.publish(draft, trace, cause),
    maxPublishBytes: config.MAX_BODY_BYTES,
    observers: { metrics, tracing, running },
    onReplaced(cause, requests) {
      metrics.workerReplaced(cause)
      facts.workerReplaced(cause, requests)
    },
    logger,
  })
  const dispatcher = new Dispatcher({
    engine,
    pool,
    poolSize: config.WORKER_POOL_SIZE,
    workerPrefetch: config.WORKER_PREFETCH_COUNT,
    schemas,
    predefined: queues,
    onPause: facts.paused,
    onDeadLetter: facts.deadLetter,
    metrics,
    logger,
  })
  return { serviceEvents, facts, publisher, pool, running, dispatcher, watch, live: new LiveStream(engine) }
}

const routingKeyOf = (name: string): string => `events.system.${name}`

/** Stands for any name of a service event that is told without a look at the event. */
const ANY_NAME = "broker.dead_letter.added"

function schemaCheck(catalog: SchemaCatalog, config: Config, logger: Logger): SchemaCheck | null {
  const { SCHEMA_VALIDATION: validation, SCHEMA_UNKNOWN: unknown } = config
  return validation === "off" ? null : new SchemaCheck({ catalog, validation, unknown, logger })
}

export const queueLimits = (config: Config): QueueLimits => ({
  ttlMs: config.QUEUE_TTL,
  maxLength: config.QUEUE_MAX_LENGTH,
  overflow: config.QUEUE_OVERFLOW,
})
