import pino from "pino"
import { configured, serveHttp } from "../../src/app/http-parts.ts"
import { type Config, parseConfig } from "../../src/config.ts"
import { QueueWatch } from "../../src/delivery/queue-watch.ts"
import type { EmbeddedEngine } from "../../src/engine/embedded/embedded-engine.ts"
import { predefinedQueues, type QueueLimits } from "../../src/engine/queues.ts"
import { RecordedHistory } from "../../src/history/recorded-history.ts"
import type { KeyRing } from "../../src/http/access/key-ring.ts"
import type { PageRules } from "../../src/http/access/page-guard.ts"
import type { RateLimit } from "../../src/http/access/rate-limit.ts"
import type { BodyLimits } from "../../src/http/body-limits.ts"
import type { Consumption } from "../../src/http/context.ts"
import type { HealthReport } from "../../src/http/health-report.ts"
import type { HttpServer } from "../../src/http/http-server.ts"
import { EXAMPLE_MODULES, EXAMPLE_WORKER } from "../../src/http/module-set-view.ts"
import { LiveStream } from "../../src/live/live-stream.ts"
import { Publisher } from "../../src/publisher/publisher.ts"
import { ReplayFile } from "../../src/replay/replay-file.ts"
import { Replays } from "../../src/replay/replays.ts"
import { SchemaCatalog, type SchemaFile } from "../../src/schema/schema-catalog.ts"
import { SchemaCheck } from "../../src/schema/schema-check.ts"
import { Metrics } from "../../src/telemetry/metrics.ts"
import { Throughput } from "../../src/telemetry/throughput.ts"
import { PASSING_THROUGH } from "../../src/telemetry/tracing.ts"
import { EmbeddedStore } from "./embedded-store.ts"

const HOUR_MS = 3_600_000
const MAX_FACT_BYTES = 67_108_864
const STOP_TIMEOUT_MS = 1_000
const SILENT = pino({ level: "silent" })

export interface HttpServiceOptions {
  readonly limits?: Partial<QueueLimits>
  readonly maxBodyBytes?: number
  readonly maxBatchBytes?: number
  readonly maxInFlight?: number
  readonly health?: HealthReport["status"]
  readonly keys?: KeyRing
  readonly schemas?: readonly SchemaFile[]
  readonly bodyTimeoutMs?: number
  readonly bodies?: BodyLimits
  readonly rates?: RateLimit
  readonly deduplicationWindowMs?: number
  readonly corsOrigins?: readonly string[]
  readonly keepAliveTimeoutMs?: number
  readonly pages?: Partial<PageRules>
  /** True for a service with a history. Default: false. */
  readonly hasHistory?: boolean
}

interface Parts {
  readonly store: EmbeddedStore
  readonly engine: EmbeddedEngine
  readonly live: LiveStream
  readonly server: HttpServer
  readonly history: RecordedHistory | null
}

const NO_HISTORY = { history: null, replays: null, outcomes: null }

/** Follows the facts of an engine that records them. */
function openHistory(engine: EmbeddedEngine, dataDir: string) {
  if (engine.facts === null) return NO_HISTORY
  const limits = { retentionMs: HOUR_MS, maxBytes: MAX_FACT_BYTES }
  const history = new RecordedHistory(engine.facts, { dataDir, limits, report: () => {} })
  const replays = new Replays({ engine, source: history, file: new ReplayFile(dataDir), logger: SILENT })
  return { history, replays, outcomes: new LiveStream(history.outcomes) }
}

/** The service without handlers: a real server on a free port, with a real engine in a temporary folder. */
export class HttpService implements AsyncDisposable {
  readonly engine: EmbeddedEngine
  readonly live: LiveStream
  readonly url: string
  readonly port: number
  /** Folder of its store. */
  readonly dataDir: string
  readonly #store: EmbeddedStore
  readonly #server: HttpServer
  readonly #history: RecordedHistory | null

  private constructor({ store, engine, live, server, history }: Parts) {
    this.#history = history
    this.live = live
    this.engine = engine
    this.url = server.url
    this.port = Number(new URL(server.url).port)
    this.dataDir = store.dataDir
    this.#store = store
    this.#server = server
  }

  /** Starts it. It is removed when it goes out of scope (`await using`). */
  static async start(options: HttpServiceOptions = {}): Promise<HttpService> {
    const store = new EmbeddedStore()
    const engine = store.open(options.hasHistory ? { maxFactBytes: MAX_FACT_BYTES } : {})
    const history = openHistory(engine, store.dataDir)
    const queues = predefinedQueues({
      ttlMs: HOUR_MS,
      maxLength: 1_000_000,
      overflow: "reject-publish",
      ...options.limits,
    })
    await engine.declareQueues(queues)
    const metrics = new Metrics()
    const catalog = options.schemas === undefined ? null : new SchemaCatalog(options.schemas)
    const schemas =
      catalog && new SchemaCheck({ catalog, validation: "enforce", unknown: "allow", logger: SILENT })
    const live = new LiveStream(engine)
    const maxInFlight = options.maxInFlight ?? 5_000
    const predefined = queues.map(({ name }) => name)
    const consumption = consumptionOf(predefined)
    const config = configOf(options)
    const fromConfig = configured(config)
    const server = serveHttp(config, {
      ...fromConfig,
      bodies: options.bodies ?? fromConfig.bodies,
      rates: options.rates ?? null,
      pages: { ...fromConfig.pages, hasKeys: options.keys !== undefined, own: [], ...options.pages },
      engine,
      publisher: new Publisher({
        engine,
        maxInFlight,
        maxHops: 0,
        deduplicationWindowMs: config.DEDUPLICATION_WINDOW,
        schemas,
        metrics,
        tracing: PASSING_THROUGH,
      }),
      consumption,
      running: { of: () => 0, since: () => null },
      ...history,
      unfinished: null,
      modules: {
        view: () => EXAMPLE_MODULES,
        workers: async () => [EXAMPLE_WORKER],
        memoryLimitBytes: null,
        reload: async () => ({ kind: "unchanged" }),
      },
      orphans: new QueueWatch({
        engine,
        predefined,
        isPaused: (name) => consumption.isPaused(name),
        modulesBoundTo: () => [],
        logger: SILENT,
      }),
      live,
      keys: options.keys ?? null,
      queues,
      isStarting: () => options.health === "starting",
      health: async () => healthReport(options.health ?? "ready"),
      catalog,
      brokerReport: null,
      throughput: new Throughput(metrics.totals),
      metrics,
      logger: SILENT,
    })
    return new HttpService({ store, engine, live, server, history: history.history })
  }

  /** Sends a value as JSON. */
  post(path: string, value: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.postRaw(path, JSON.stringify(value), { "Content-Type": "application/json", ...headers })
  }

  /** Sends a raw body with exactly these headers. */
  postRaw(path: string, body: string | Uint8Array, headers: Record<string, string>): Promise<Response> {
    return fetch(this.url + path, { method: "POST", body, headers })
  }

  get(path: string): Promise<Response> {
    return fetch(this.url + path)
  }

  delete(path: string): Promise<Response> {
    return fetch(this.url + path, { method: "DELETE" })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(STOP_TIMEOUT_MS)
    await this.#history?.close()
    await this.#store[Symbol.asyncDispose]()
  }
}

/** Returns a consumption as if a handler module consumed each of these queues. */
function consumptionOf(queues: readonly string[]): Consumption {
  const paused = new Set<string>()
  return {
    isBusy: () => false,
    heldRetries: () => 0,
    hasModule: (queue) => queues.includes(queue),
    isPaused: (queue) => (queues.includes(queue) ? paused.has(queue) : null),
    pause: (queue) => void paused.add(queue),
    resume: (queue) => void paused.delete(queue),
  }
}

function healthReport(status: HealthReport["status"]): HealthReport {
  return {
    status,
    version: "0.0.0-test",
    engine: "embedded",
    uptime_seconds: 1,
    generation: EXAMPLE_MODULES.generation,
    checks: {
      engine: { status: "up" },
      pool: { status: "up" },
      consumers: { status: "up" },
      queues: { status: "up" },
      modules: { status: "up" },
    },
  }
}

const DEFAULTS = parseConfig({ HOST: "127.0.0.1", PORT: "0" })

/** The configuration with these options, which may be outside of their bounds, and everything else at its default. */
const configOf = (options: HttpServiceOptions): Config => ({
  ...DEFAULTS,
  ...(options.maxBodyBytes !== undefined && { MAX_BODY_BYTES: options.maxBodyBytes }),
  ...(options.maxBatchBytes !== undefined && { MAX_BATCH_BYTES: options.maxBatchBytes }),
  ...(options.bodyTimeoutMs !== undefined && { BODY_TIMEOUT: options.bodyTimeoutMs }),
  ...(options.keepAliveTimeoutMs !== undefined && { KEEP_ALIVE_TIMEOUT: options.keepAliveTimeoutMs }),
  ...(options.deduplicationWindowMs !== undefined && {
    DEDUPLICATION_WINDOW: options.deduplicationWindowMs,
  }),
  ...(options.corsOrigins !== undefined && { CORS_ORIGINS: options.corsOrigins }),
})
