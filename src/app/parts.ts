import type { Config } from "../config.ts"
import { Dispatcher } from "../delivery/dispatcher.ts"
import { QueueWatch } from "../delivery/queue-watch.ts"
import type { Engine, QueueDeclaration } from "../engine/engine.ts"
import type { QueueLimits } from "../engine/queues.ts"
import type { ModuleFile } from "../handlers/module-files.ts"
import { LiveStream } from "../live/live-stream.ts"
import { Publisher } from "../publisher/publisher.ts"
import type { SchemaCatalog } from "../schema/schema-catalog.ts"
import { SchemaCheck } from "../schema/schema-check.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { Headcount } from "../telemetry/state-metrics.ts"
import type { Tracing } from "../telemetry/tracing.ts"
import { Pool } from "../workers/pool.ts"
import { RunningEvents } from "../workers/running-events.ts"

export interface PartsOptions {
  readonly config: Config
  readonly engine: Engine
  readonly metrics: Metrics
  readonly tracing: Tracing
  /** The schemas of events; null if there are none. */
  readonly catalog: SchemaCatalog | null
  /** The predefined queues. */
  readonly queues: readonly QueueDeclaration[]
  /** The handler modules. */
  readonly files: readonly ModuleFile[]
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
  /** The events that the pool's workers have. */
  readonly running: RunningEvents
  readonly dispatcher: Dispatcher
  readonly watch: QueueWatch
  readonly live: LiveStream
  readonly workers: () => Headcount
}

/** Builds the parts that publish and handle events. Starts nothing. */
export function buildParts(options: PartsOptions): Parts {
  const { config, engine, metrics, tracing, catalog, queues, files, logger } = options
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
    schemas,
    metrics,
    tracing,
    explainFull: (queue) => watch.explainFull(queue),
  })
  const size = files.length > 0 ? config.WORKER_POOL_SIZE : 0
  const running = new RunningEvents()
  const pool = new Pool({
    size,
    prefetch: config.WORKER_PREFETCH_COUNT,
    workerUrl: options.workerUrl,
    files,
    environment: options.handlerEnvironment,
    publish: (draft, trace) => publisher.publish(draft, trace),
    maxPublishBytes: config.MAX_BODY_BYTES,
    observers: { metrics, tracing, running },
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
  const workers = (): Headcount => ({ present: pool.readyWorkers, expected: size })
  return { publisher, pool, running, dispatcher, watch, live: new LiveStream(engine), workers }
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
