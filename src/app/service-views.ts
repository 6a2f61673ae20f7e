import type { Config } from "../config.ts"
import type { BrokerReport } from "../engine/broker-report.ts"
import type { Engine, QueueDeclaration } from "../engine/engine.ts"
import type { RecordedHistory } from "../history/recorded-history.ts"
import type { KeyRing } from "../http/access/key-ring.ts"
import type { HttpContext } from "../http/context.ts"
import { reportHealth, type Vitals } from "../http/health-report.ts"
import type { HttpServer } from "../http/http-server.ts"
import { countEvents } from "../http/queue-counts.ts"
import type { SchemaCatalog } from "../schema/schema-catalog.ts"
import type { Log } from "../telemetry/logger.ts"
import type { Metrics } from "../telemetry/metrics.ts"
import type { ServiceState } from "../telemetry/state-metrics.ts"
import type { Throughput } from "../telemetry/throughput.ts"
import { VERSION } from "../version.ts"
import type { Generations } from "./generations.ts"
import { configured } from "./http-parts.ts"
import { describeFault, modulesView } from "./modules-view.ts"
import type { Parts } from "./parts.ts"

/** Everything of a service whose state others can see. */
export interface Service extends Parts, Pick<HttpContext, "replays" | "outcomes"> {
  /** The record of what became of each event; null if none is kept. */
  readonly history: RecordedHistory | null
  readonly config: Config
  readonly engine: Engine
  readonly brokerReport: (() => BrokerReport) | null
  readonly generations: Generations
  readonly keys: KeyRing | null
  /** The predefined queues. */
  readonly queues: readonly QueueDeclaration[]
  readonly catalog: SchemaCatalog | null
  readonly metrics: Metrics
  readonly throughput: Throughput
  readonly log: Log
}

/** Shows the service to the routes. */
export function httpContext(service: Service, progress: Progress): HttpContext {
  const { config, dispatcher, generations, watch, log, history, ...others } = service
  return {
    ...configured(config),
    ...others,
    consumption: dispatcher,
    modules: modulesView(generations, service.pool, config.WORKER_MEMORY),
    history,
    unfinished: history && (() => history.unfinished()),
    orphans: watch,
    logger: log.logger,
    isStarting: () => progress.phase() === "starting",
    async health() {
      // An engine inside the process answers at once; RabbitMQ may be away.
      if (service.brokerReport === null) await watch.refresh()
      return reportHealth(vitalsOf(service, progress))
    },
  }
}

export interface Progress {
  readonly phase: () => Vitals["phase"]
  /** When the start began, in milliseconds of `performance.now`. */
  readonly startedAt: number
}

const vitalsOf = (service: Service, { phase, startedAt }: Progress): Vitals => {
  const { engine, generations, pool, dispatcher, watch, history } = service
  return {
    phase: phase(),
    version: VERSION,
    uptimeMs: performance.now() - startedAt,
    engine: engine.name,
    engineStatus: engine.status(),
    generation: generations.current.set.generation,
    moduleFaults: generations.rejection?.faults.map(describeFault) ?? null,
    workers: pool.workers,
    poolFault: pool.fault,
    consumers: dispatcher.consumers,
    paused: dispatcher.paused,
    queueFault: watch.fault,
    history: history?.state ?? null,
  }
}

/** Shows the service to the metrics. */
export function serviceState(
  { engine, brokerReport, keys, live, history, publisher, dispatcher, pool, watch, log }: Service,
  context: HttpContext,
  server: HttpServer,
): ServiceState {
  return {
    version: VERSION,
    engine: engine.name,
    isEngineUp: () => engine.status().state === "ready",
    isBlocked: () => engine.status().state === "blocked",
    bufferedBytes: () => context.bodies.bytes.taken,
    history: history && (() => history.state),
    isKeysFileGood: keys && (() => keys.isFileGood),
    liveClients: () => live.clientCount,
    publishesInFlight: () => publisher.inFlight,
    deliveriesInFlight: () => dispatcher.inFlight,
    deliveriesHeld: brokerReport && (() => brokerReport().heldDeliveries),
    areDescriptorsExhausted: () => server.isExhausted,
    droppedLogLines: () => log.droppedLines() + pool.droppedLogLines,
    workers: () => pool.workers,
    generation: () => pool.generation,
    workersWaiting: () => pool.waitingWorkers,
    consumers: () => dispatcher.consumers,
    queues: async () => countEvents(await engine.queueStats(), context),
    orphanedQueues: () => watch.orphanCount,
  }
}
