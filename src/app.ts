import { openEngine } from "./app/engines.ts"
import { configured, serveHttp } from "./app/http-parts.ts"
import { Lifecycle } from "./app/lifecycle.ts"
import { requireAddress } from "./app/listen-host.ts"
import { declareModuleQueues, moduleFiles } from "./app/modules.ts"
import { openTracing } from "./app/open-tracing.ts"
import { buildParts, queueLimits } from "./app/parts.ts"
import { logStartHints } from "./app/start-hints.ts"
import type { Config } from "./config.ts"
import { registerService } from "./discovery/register-service.ts"
import type { EngineStatus } from "./engine/engine.ts"
import { predefinedQueues } from "./engine/queues.ts"
import type { ModuleManifest } from "./handlers/manifest.ts"
import { KeyRing } from "./http/access/key-ring.ts"
import { reportHealth } from "./http/health-report.ts"
import { SchemaCatalog } from "./schema/schema-catalog.ts"
import { readSchemaFiles } from "./schema/schema-files.ts"
import { reasonOf } from "./system/reason-of.ts"
import type { Log } from "./telemetry/logger.ts"
import { Metrics } from "./telemetry/metrics.ts"
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
 * Starts the service: builds every part, starts them in the order that events need, and stops each before the
 * parts that it depends on. If it can't start, it stops what has been started, and rejects with a `KeyFileError`,
 * `SchemaFileError`, `EngineStartError`, `HandlersDirError`, `ModuleLoadError` or `ListenError`, whose message is one
 * sentence.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const { logger } = options.log
  const lifecycle = new Lifecycle((part, error) =>
    logger.error({ part, reason: reasonOf(error) }, "a part of the service could not be stopped"),
  )
  try {
    return await start(options, lifecycle)
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

async function start(options: AppOptions, lifecycle: Lifecycle): Promise<App> {
  const { config, log } = options
  const { logger } = log
  const startedAt = performance.now()
  let phase: "starting" | "running" | "stopping" = "starting"
  /** When the last part has to have stopped. A start that fails waits for nothing. */
  let deadline = 0
  const left = (): number => Math.max(0, deadline - performance.now())

  const files = await moduleFiles(config.HANDLERS_DIR, options.isHandlersDirGiven)
  const catalog = config.SCHEMAS_DIR === "" ? null : new SchemaCatalog(readSchemaFiles(config.SCHEMAS_DIR))
  const keys = config.API_KEYS_FILE === "" ? null : new KeyRing(config.API_KEYS_FILE, logger)
  lifecycle.started("keys", () => keys?.[Symbol.dispose]())
  const tracing = await openTracing(config, VERSION, logger)
  lifecycle.started("tracing", () => tracing.stop())

  const metrics = new Metrics()
  const failed = Promise.withResolvers<void>()
  const { engine, brokerReport } = openEngine({
    ...options,
    metrics,
    onStatusChange: (status) => {
      logger[STATE_LEVELS[status.state]](status, "the engine's state changed")
      if (status.state === "failed") failed.resolve()
      if (status.state === "ready" && engine.capabilities.priorities === "none") {
        logger.warn(
          "quorum queues of this RabbitMQ do not order by priority: set QUEUE_TYPE=classic, or use RabbitMQ 4",
        )
      }
    },
    report: (level, message, fields) => logger[level](fields, message),
  })
  lifecycle.started("engine", () => engine.close())

  const limits = queueLimits(config)
  const queues = predefinedQueues(limits)
  const { publisher, pool, running, dispatcher, watch, live, workers } = buildParts({
    ...options,
    engine,
    metrics,
    tracing,
    catalog,
    queues,
    files,
    logger,
  })
  // An engine that can't write settles nothing: its deliveries are repeated after the restart.
  lifecycle.started("deliveries", () => Promise.race([dispatcher.settled(), Bun.sleep(SETTLE_GRACE_MS)]))
  lifecycle.started("pool", () => pool.stop(left()))

  await requireAddress(config.HOST)
  const context = {
    ...configured(config),
    engine,
    brokerReport,
    publisher,
    consumption: dispatcher,
    running,
    orphans: watch,
    live,
    keys,
    queues,
    catalog,
    metrics,
    logger,
    isStarting: () => phase === "starting",
    health: async () => {
      // An engine inside the process answers at once; RabbitMQ may be away.
      if (brokerReport === null) await watch.refresh()
      return reportHealth({
        phase,
        version: VERSION,
        uptimeMs: performance.now() - startedAt,
        engine: engine.name,
        engineStatus: engine.status(),
        workers: workers(),
        poolFault: pool.fault,
        consumers: dispatcher.consumers,
        paused: dispatcher.paused,
        queueFault: watch.fault,
      })
    },
  }
  // Before the modules are loaded, so that probes are answered meanwhile.
  const server = serveHttp(config, context)
  lifecycle.started("server", () => server.stop(left()))
  metrics.watch({
    version: VERSION,
    engine: engine.name,
    isEngineUp: () => engine.status().state === "ready",
    isBlocked: () => engine.status().state === "blocked",
    bufferedBytes: () => context.bodies.bytes.taken,
    isKeysFileGood: keys && (() => keys.isFileGood),
    liveClients: () => live.clientCount,
    publishesInFlight: () => publisher.inFlight,
    deliveriesInFlight: () => dispatcher.inFlight,
    deliveriesHeld: brokerReport && (() => brokerReport().heldDeliveries),
    areDescriptorsExhausted: () => server.isExhausted,
    droppedLogLines: () => log.droppedLines() + pool.droppedLogLines,
    workers,
    workersWaiting: () => pool.waitingWorkers,
    consumers: () => dispatcher.consumers,
    queues: () => engine.queueStats(),
    orphanedQueues: () => watch.orphanCount,
  })

  lifecycle.started("consumers", () => dispatcher.stop())
  lifecycle.started("watch", () => watch.stop())
  const consumeModules = async (manifests: readonly ModuleManifest[]): Promise<void> => {
    await declareModuleQueues(manifests, { engine, files, queues, limits, catalog, logger })
    dispatcher.start(manifests)
    void watch.start()
  }
  await pool.start()
  const consuming = pool.loaded.then(consumeModules)
  if (pool.readyWorkers > 0) await consuming
  else {
    // If the first worker crashed, the modules are loaded later, and the service runs without them until then.
    consuming.catch((error: unknown) => logger.error({ reason: String(error) }, "the modules can't be used"))
    await engine.declareQueues(queues)
    if (files.length === 0) void watch.start()
  }

  const { url } = server
  phase = "running"
  logStartHints(config, files.length, catalog, logger)
  logger.info({ url, workers: pool.readyWorkers, modules: files.map(({ name }) => name) }, "listening")
  const registration = registerService(config, VERSION, server.port, logger)
  lifecycle.started("registration", async () => {
    await registration?.stop()
    // Load balancers learn in this time that the service stops.
    await Bun.sleep(config.SHUTDOWN_DELAY)
    deadline = performance.now() + config.SHUTDOWN_TIMEOUT
  })
  const stop = (): Promise<void> => {
    phase = "stopping"
    return lifecycle.stop()
  }
  return { url, engineStatus: () => engine.status(), failed: failed.promise, stop }
}
