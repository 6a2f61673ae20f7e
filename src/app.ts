import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { requireAddress } from "./app/listen-host.ts"
import { logBindHints, logStartHints } from "./app/start-hints.ts"
import { rabbitMqNodes } from "./config/rabbitmq-nodes.ts"
import type { Config } from "./config.ts"
import { registerService } from "./discovery/register-service.ts"
import type { BrokerReport } from "./engine/broker-report.ts"
import { EmbeddedEngine } from "./engine/embedded/embedded-engine.ts"
import type { Engine, EngineStatus } from "./engine/engine.ts"
import { predefinedQueues, type QueueLimits } from "./engine/queues.ts"
import { RabbitMqEngine } from "./engine/rabbitmq/rabbitmq-engine.ts"
import type { Report } from "./engine/report.ts"
import { KeyRing } from "./http/access/key-ring.ts"
import { pageRules } from "./http/access/page-guard.ts"
import { RateLimit } from "./http/access/rate-limit.ts"
import { BodyLimits } from "./http/body-limits.ts"
import { Cors } from "./http/cors.ts"
import { reportHealth } from "./http/health-report.ts"
import { createHttpApp } from "./http/http-app.ts"
import { HttpServer } from "./http/http-server.ts"
import { LiveStream } from "./live/live-stream.ts"
import { Publisher } from "./publisher/publisher.ts"
import { Dispatcher } from "./runtime/dispatcher.ts"
import { type ModuleManifest, requireTimeoutsBelow } from "./runtime/manifest.ts"
import type { ModuleFile } from "./runtime/messages.ts"
import { findModuleFiles } from "./runtime/module-files.ts"
import { queuesOf, requireQueues } from "./runtime/module-queues.ts"
import { locateIn } from "./runtime/option-position.ts"
import { Pool } from "./runtime/pool.ts"
import { QueueWatch } from "./runtime/queue-watch.ts"
import { SchemaCatalog } from "./schema/schema-catalog.ts"
import { SchemaCheck } from "./schema/schema-check.ts"
import { readSchemaFiles } from "./schema/schema-files.ts"
import type { Log, Logger } from "./telemetry/logger.ts"
import { Metrics } from "./telemetry/metrics.ts"
import { openTracing } from "./telemetry/open-tracing.ts"
import { VERSION } from "./version.ts"

/** How long a stop waits for the engine to settle finished deliveries, in milliseconds. */
const SETTLE_GRACE_MS = 1_000

/** Log level of each state of the engine. */
const STATE_LEVELS = {
  ready: "info",
  blocked: "warn",
  unavailable: "warn",
  failed: "error",
  closed: "info",
} as const

/** Everything that the service is built from. */
export interface AppOptions {
  readonly config: Config
  /** True if `HANDLERS_DIR` was set. The folder must then exist. */
  readonly isHandlersDirGiven: boolean
  /** Entry file of the workers. */
  readonly workerUrl: string
  /** `process.env` of the handlers. */
  readonly handlerEnvironment: Readonly<Record<string, string>>
  /** The entry file of the thread that syncs the embedded engine's store. */
  readonly syncThreadUrl: string
  readonly log: Log
}

interface OpenedEngine {
  readonly engine: Engine
  readonly brokerReport: (() => BrokerReport) | null
}

/** The folder of the handler modules can't be read. The message is one sentence for the user. */
export class HandlersDirError extends Error {
  override readonly name = "HandlersDirError"
}

/** The running service. */
export interface App {
  /** URL on which it listens. */
  readonly url: string
  readonly engineStatus: () => EngineStatus
  /** Resolves if the engine has failed for good. The caller then stops the service, which has to be started again. */
  readonly failed: Promise<void>
  /** Finishes what is in flight within `SHUTDOWN_TIMEOUT`, gives back unsettled deliveries, and releases every resource. */
  stop(): Promise<void>
}

/**
 * The composition root: builds every part, starts them in the order that events need, and stops each before the
 * parts that it depends on. If it can't start, it rejects with a `KeyFileError`, `SchemaFileError`, `EngineStartError`,
 * `HandlersDirError`, `ModuleLoadError` or `ListenError`, whose message is one sentence.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const { config, isHandlersDirGiven, workerUrl, log } = options
  const { logger } = log
  const startedAt = performance.now()
  let phase: "starting" | "running" | "stopping" = "starting"
  const files = await moduleFiles(config.HANDLERS_DIR, isHandlersDirGiven)
  const keys = config.API_KEYS_FILE === "" ? null : new KeyRing(config.API_KEYS_FILE, logger)
  const catalog = config.SCHEMAS_DIR === "" ? null : new SchemaCatalog(readSchemaFiles(config.SCHEMAS_DIR))
  const limits = queueLimits(config)
  const queues = predefinedQueues(limits)

  const { promise: failed, resolve: reportFailure } = Promise.withResolvers<void>()
  let server: HttpServer | undefined
  const metrics = new Metrics()
  const { engine, brokerReport } = openEngine(options, metrics, (status) => {
    logger[STATE_LEVELS[status.state]](status, "the engine's state changed")
    if (status.state === "failed") reportFailure()
    if (status.state === "ready" && engine.capabilities.priorities === "none") {
      logger.warn(
        "quorum queues of this RabbitMQ do not order by priority: set QUEUE_TYPE=classic, or use RabbitMQ 4",
      )
    }
  })
  const tracing = await openTracing(config, VERSION, logger)
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
  const poolSize = files.length > 0 ? config.WORKER_POOL_SIZE : 0
  const pool = new Pool({
    size: poolSize,
    prefetch: config.WORKER_PREFETCH_COUNT,
    workerUrl,
    files,
    environment: options.handlerEnvironment,
    publish: (draft, trace) => publisher.publish(draft, trace),
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
  const live = new LiveStream(engine)
  const { MAX_BODY_BYTES: maxBodyBytes, MAX_BATCH_BYTES: maxBatchBytes } = config
  const bodies = new BodyLimits({
    timeoutMs: config.BODY_TIMEOUT,
    bufferedBytes: config.MAX_BUFFERED_BYTES,
    largestBytes: Math.max(maxBodyBytes, maxBatchBytes),
  })
  const workers = () => ({ present: pool.readyWorkers, expected: poolSize })
  metrics.watch({
    version: VERSION,
    engine: engine.name,
    isEngineUp: () => engine.status().state === "ready",
    isBlocked: () => engine.status().state === "blocked",
    bufferedBytes: () => bodies.bytes.taken,
    isKeysFileGood: keys && (() => keys.isFileGood),
    liveClients: () => live.clientCount,
    publishesInFlight: () => publisher.inFlight,
    deliveriesInFlight: () => dispatcher.inFlight,
    deliveriesHeld: brokerReport && (() => brokerReport().heldDeliveries),
    areDescriptorsExhausted: () => server?.isExhausted ?? false,
    droppedLogLines: () => log.droppedLines() + pool.droppedLogLines,
    workers,
    consumers: () => dispatcher.consumers,
    queues: () => engine.queueStats(),
    orphanedQueues: () => watch.orphanCount,
  })
  const health = async () => {
    // An engine inside the process answers at once; RabbitMQ may be away.
    if (brokerReport === null) await watch.refresh()
    return reportHealth({
      phase,
      version: VERSION,
      uptimeMs: performance.now() - startedAt,
      engine: engine.name,
      engineStatus: engine.status(),
      workers: workers(),
      consumers: dispatcher.consumers,
      paused: dispatcher.paused,
      queueFault: watch.fault,
    })
  }
  const app = createHttpApp({
    engine,
    publisher,
    consumption: dispatcher,
    orphans: watch,
    live,
    keys,
    queues,
    isStarting: () => phase === "starting",
    health,
    catalog,
    exchange: {
      name: config.DEFAULT_EXCHANGE,
      type: config.DEFAULT_EXCHANGE_TYPE,
      vhost: config.RABBITMQ_VHOST,
    },
    brokerReport,
    maxBodyBytes,
    maxBatchBytes,
    bodies,
    rates: config.RATE_LIMIT === 0 ? null : new RateLimit(config.RATE_LIMIT),
    pages: pageRules(config),
    cors: config.CORS_ORIGINS.length === 0 ? null : new Cors(config.CORS_ORIGINS),
    version: VERSION,
    metrics,
    logger,
  })

  const consumeModules = async (manifests: readonly ModuleManifest[]): Promise<void> => {
    const locate = locateIn(files)
    requireTimeoutsBelow(engine.capabilities.maxUnsettledMs, manifests, locate)
    const declared = queuesOf(manifests, queues, limits)
    await engine.declareQueues(declared)
    const remembered = engine.capabilities.remembersQueues ? await engine.queueStats() : []
    requireQueues([...declared, ...remembered], manifests, locate)
    logBindHints(manifests, catalog, [declared, remembered], logger)
    dispatcher.start(manifests)
    void watch.start()
  }

  try {
    await requireAddress(config.HOST)
    // First, so that probes are answered while modules load.
    server = new HttpServer({
      app,
      host: config.HOST,
      port: config.PORT,
      keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT,
      logger,
    })
    await pool.start()
    const consuming = pool.loaded.then(consumeModules)
    if (pool.readyWorkers > 0) await consuming
    else {
      // If the first worker crashed, the modules are loaded later, and the service runs without them until then.
      consuming.catch((error: unknown) =>
        logger.error({ reason: String(error) }, "the modules can't be used"),
      )
      await engine.declareQueues(queues)
      if (files.length === 0) void watch.start()
    }
    const { url } = server
    phase = "running"
    logStartHints(config, files.length, catalog, logger)
    logger.info({ url, workers: pool.readyWorkers, modules: files.map(({ name }) => name) }, "listening")
    const registration = registerService(config, VERSION, server.port, logger)
    const stop = async (): Promise<void> => {
      phase = "stopping"
      keys?.[Symbol.dispose]()
      await registration?.stop()
      watch.stop()
      await Bun.sleep(config.SHUTDOWN_DELAY)
      const deadline = performance.now() + config.SHUTDOWN_TIMEOUT
      const left = (): number => Math.max(0, deadline - performance.now())
      dispatcher.stop()
      await server?.stop(left())
      await pool.stop(left())
      // An engine that can't write settles nothing: its deliveries are repeated after the restart.
      await Promise.race([dispatcher.settled(), Bun.sleep(SETTLE_GRACE_MS)])
      await engine.close()
      await tracing.stop()
    }
    return { url, engineStatus: () => engine.status(), failed, stop }
  } catch (error) {
    await server?.stop(0)
    await pool.stop(0)
    await engine.close()
    throw error
  }
}

function schemaCheck(catalog: SchemaCatalog, config: Config, logger: Logger): SchemaCheck | null {
  const { SCHEMA_VALIDATION: validation, SCHEMA_UNKNOWN: unknown } = config
  return validation === "off" ? null : new SchemaCheck({ catalog, validation, unknown, logger })
}

/** Opens the configured engine. Only this function names the adapters. */
function openEngine(
  { config, syncThreadUrl, log: { logger } }: AppOptions,
  metrics: Metrics,
  onStatusChange: (status: EngineStatus) => void,
): OpenedEngine {
  const report: Report = (level, message, fields) => logger[level](fields, message)
  if (config.ENGINE === "embedded") {
    const engine = EmbeddedEngine.open({
      dataDir: config.DATA_DIR,
      syncThreadUrl,
      onStatusChange,
      onBuried: (...burial) => metrics.buried(...burial),
      report,
    })
    return { engine, brokerReport: null }
  }
  const engine = new RabbitMqEngine({
    access: {
      addresses: rabbitMqNodes(config),
      user: config.RABBITMQ_USER,
      password: config.RABBITMQ_PASSWORD,
      vhost: config.RABBITMQ_VHOST,
      tls: config.RABBITMQ_TLS,
    },
    topology: {
      exchange: config.DEFAULT_EXCHANGE,
      exchangeType: config.DEFAULT_EXCHANGE_TYPE,
      queueType: config.QUEUE_TYPE,
      mode: config.TOPOLOGY,
    },
    confirmTimeoutMs: config.CONFIRM_TIMEOUT,
    consumerTimeoutMs: config.RABBITMQ_CONSUMER_TIMEOUT,
    onStatusChange,
    report,
  })
  return { engine, brokerReport: () => engine.report() }
}

async function moduleFiles(dir: string, isGiven: boolean): Promise<readonly ModuleFile[]> {
  if (!isGiven && !existsSync(dir)) return []
  try {
    return await findModuleFiles(dir)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new HandlersDirError(`HANDLERS_DIR ${resolve(dir)} can't be read: ${reason}`, { cause })
  }
}

const queueLimits = (config: Config): QueueLimits => ({
  ttlMs: config.QUEUE_TTL,
  maxLength: config.QUEUE_MAX_LENGTH,
  overflow: config.QUEUE_OVERFLOW,
})
