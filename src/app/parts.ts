import type { Config } from "../config.ts"
import { Dispatcher } from "../delivery/dispatcher.ts"
import { QueueWatch } from "../delivery/queue-watch.ts"
import type { Engine, QueueDeclaration } from "../engine/engine.ts"
import type { QueueLimits } from "../engine/queues.ts"
import { LiveStream } from "../live/live-stream.ts"
import { Publisher } from "../publisher/publisher.ts"
import type { SchemaCatalog } from "../schema/schema-catalog.ts"
import { SchemaCheck } from "../schema/schema-check.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { Tracing } from "../telemetry/tracing.ts"
import { Pool } from "../workers/pool.ts"

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
  readonly publisher: Publisher
  readonly pool: Pool
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
  const publisher = new Publisher({
    engine,
    maxInFlight: config.MAX_IN_FLIGHT,
    maxHops: config.MAX_HOPS,
    schemas,
    metrics,
    tracing,
    explainFull: (queue) => watch.explainFull(queue),
  })
  const pool = new Pool({
    size: config.WORKER_POOL_SIZE,
    prefetch: config.WORKER_PREFETCH_COUNT,
    workerUrl: options.workerUrl,
    environment: options.handlerEnvironment,
    memoryLimitBytes: config.WORKER_MEMORY,
    publish: (draft, trace, cause) => publisher.publish(draft, trace, cause),
    maxPublishBytes: config.MAX_BODY_BYTES,
    observers: { metrics, tracing },
    logger,
  })
  const dispatcher = new Dispatcher({
    engine,
    pool,
    poolSize: config.WORKER_POOL_SIZE,
    workerPrefetch: config.WORKER_PREFETCH_COUNT,
    schemas,
    metrics,
    logger,
  })
  return { publisher, pool, dispatcher, watch, live: new LiveStream(engine) }
}

function schemaCheck(catalog: SchemaCatalog, config: Config, logger: Logger): SchemaCheck | null {
  const { SCHEMA_VALIDATION: validation, SCHEMA_UNKNOWN: unknown } = config
  return validation === "off" ? null : new SchemaCheck({ catalog, validation, unknown, logger })
}

export const queueLimits = (config: Config): QueueLimits => ({
  ttlMs: config.QUEUE_TTL,
  maxLength: config.QUEUE_MAX_LENGTH,
  overflow: config.QUEUE_OVERFLOW,
})
