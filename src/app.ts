import { beginModules, beginWithReload } from "./app/begin-modules.ts"
import { ChangedSchemas } from "./app/changed-schemas.ts"
import { openEngine } from "./app/engines.ts"
import type { Facts } from "./app/facts.ts"
import { Generations } from "./app/generations.ts"
import { beginHistory } from "./app/history.ts"
import { historyBytes } from "./app/history-room.ts"
import { serveHttp } from "./app/http-parts.ts"
import { Lifecycle } from "./app/lifecycle.ts"
import { requireAddress } from "./app/listen-host.ts"
import { ModuleSource } from "./app/module-source.ts"
import { declareModuleQueues } from "./app/modules.ts"
import { openTracing } from "./app/open-tracing.ts"
import { buildParts, queueLimits } from "./app/parts.ts"
import { PersistentReload } from "./app/persistent-reload.ts"
import { httpContext, serviceState } from "./app/service-views.ts"
import { logStartHints } from "./app/start-hints.ts"
import type { Config } from "./config.ts"
import { registerService } from "./discovery/register-service.ts"
import type { EngineStatus } from "./engine/engine.ts"
import { predefinedQueues } from "./engine/queues.ts"
import { NO_MODULES } from "./handlers/module-set.ts"
import { KeyRing } from "./http/access/key-ring.ts"
import { SchemaCatalog } from "./schema/schema-catalog.ts"
import { readSchemaFiles } from "./schema/schema-files.ts"
import { reasonOf } from "./system/reason-of.ts"
import type { Log } from "./telemetry/logger.ts"
import { Metrics } from "./telemetry/metrics.ts"
import { Throughput } from "./telemetry/throughput.ts"
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

/** States of an engine that can be asked about queues. */
const UP: ReadonlySet<EngineStatus["state"]> = new Set(["ready", "blocked"])

/** Everything that the service is built from. */
export interface AppOptions {
  readonly config: Config
  /** True if `HANDLERS_DIR` was set. The folder must then exist. */
  readonly isHandlersDirGiven: boolean
  /** Entry file of the workers. */
  readonly workerUrl: string
  /** The command of the process that bundles handler modules. */
  readonly bundleCommand: readonly string[]
  /** `process.env` of the handlers. */
  readonly handlerEnvironment: Readonly<Record<string, string>>
  /** True if modules that can't be used are told, and waited for, instead of failing the start. */
  readonly startsWithoutModules: boolean
  /** The entry file of the thread that syncs the embedded engine's store. */
  readonly syncThreadUrl: string
  /** The entry file of the thread that keeps the history. */
  readonly historyThreadUrl: string
  readonly log: Log
}

/** The running service. */
export interface App {
  /** URL on which it listens. */
  readonly url: string
  readonly engineStatus: () => EngineStatus
  /** Resolves if the engine has failed for good. The caller then stops the service, which has to be started again. */
  readonly failed: Promise<void>
  /** Takes the handler modules into use as their files are now, if they can be used. Never rejects; the log has the result. */
  reloadModules(): Promise<void>
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

  const source = new ModuleSource(options)
  const set = options.startsWithoutModules ? NO_MODULES : await source.build()
  const schemaFiles = config.SCHEMAS_DIR === "" ? null : readSchemaFiles(config.SCHEMAS_DIR)
  const schemas = new ChangedSchemas(config.SCHEMAS_DIR, schemaFiles, logger)
  const catalog = schemaFiles === null ? null : new SchemaCatalog(schemaFiles)
  const keys = config.API_KEYS_FILE === "" ? null : new KeyRing(config.API_KEYS_FILE, logger)
  lifecycle.started("keys", () => keys?.[Symbol.dispose]())
  const tracing = await openTracing(config, VERSION, logger)
  lifecycle.started("tracing", () => tracing.stop())

  const metrics = new Metrics()
  const throughput = new Throughput(metrics.totals)
  lifecycle.started("throughput", () => throughput[Symbol.dispose]())
  const failed = Promise.withResolvers<void>()
  let facts: Facts | null = null
  let reloads: PersistentReload | null = null
  const maxHistoryBytes = historyBytes(config)
  const { engine, brokerReport } = openEngine({
    ...options,
    maxHistoryBytes,
    metrics,
    onStatusChange: (status) => {
      logger[STATE_LEVELS[status.state]](status, "the engine's state changed")
      if (status.state === "failed") failed.resolve()
      facts?.engineState(status)
      if (status.state === "ready") reloads?.engineReady()
      if (status.state === "ready" && engine.capabilities.priorities === "none") {
        logger.warn(
          "quorum queues of this RabbitMQ do not order by priority: set QUEUE_TYPE=classic, or use RabbitMQ 4",
        )
      }
    },
    onBuried: (...burial) => facts?.buried(...burial),
    report: (level, message, fields) => logger[level](fields, message),
  })
  lifecycle.started("engine", () => engine.close())
  const historyParts = beginHistory({ ...options, engine, maxHistoryBytes, logger }, lifecycle)

  const limits = queueLimits(config)
  const queues = predefinedQueues(limits)
  const parts = buildParts({
    ...options,
    engine,
    metrics,
    tracing,
    catalog,
    queues,
    logger,
  })
  const { pool, dispatcher, watch, serviceEvents } = parts
  facts = parts.facts
  const generations: Generations = new Generations({
    pool,
    dispatcher,
    build: (isInUse, signal) => source.build(isInUse, signal),
    declare: (next, manifests, before) =>
      declareModuleQueues(next, manifests, before, { engine, queues, limits, catalog, logger }),
    onReload: (result) => {
      schemas.check()
      facts?.reloaded(result, generations)
    },
    metrics,
    logger,
  })
  lifecycle.started("service events", () => serviceEvents.stop())
  // An engine that can't write settles nothing: its deliveries are repeated after the restart.
  lifecycle.started("deliveries", () => Promise.race([dispatcher.settled(), Bun.sleep(SETTLE_GRACE_MS)]))
  lifecycle.started("pool", () => pool.stop(left()))

  await requireAddress(config.HOST)
  const service = {
    ...parts,
    ...historyParts,
    config,
    engine,
    brokerReport,
    generations,
    keys,
    queues,
    catalog,
    metrics,
    throughput,
    log,
  }
  const context = httpContext(service, { phase: () => phase, startedAt })
  // Before the modules are loaded, so that probes are answered meanwhile.
  const server = serveHttp(config, context)
  lifecycle.started("server", () => server.stop(left()))
  metrics.watch(serviceState(service, context, server))

  lifecycle.started("consumers", () => dispatcher.stop())
  lifecycle.started("watch", () => watch.stop())
  const beginning = { pool, generations, engine, queues, onBegun: () => void watch.start(), logger }
  await (options.startsWithoutModules ? beginWithReload(beginning) : beginModules(set, beginning))

  const { url } = server
  phase = "running"
  const inUse = generations.current.set
  const modules = inUse.files.map(({ name }) => name)
  logStartHints(config, modules.length > 0 || generations.rejection !== null, catalog, logger)
  logger.info({ url, workers: pool.workers.present, generation: inUse.generation, modules }, "listening")
  const persistent = new PersistentReload({
    reload: () => generations.reload(),
    isEngineUp: () => UP.has(engine.status().state),
    logger,
  })
  reloads = persistent
  source.watch(() => persistent.reload())
  lifecycle.started("modules", () => {
    source.stop()
    persistent.stop()
    generations.stop()
  })
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
  const reloadModules = async (): Promise<void> => {
    if (phase === "running") await persistent.reload()
  }
  return { url, engineStatus: () => engine.status(), failed: failed.promise, reloadModules, stop }
}
