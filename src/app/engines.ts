import { rabbitMqNodes } from "../config/rabbitmq-nodes.ts"
import type { Config } from "../config.ts"
import type { BrokerReport } from "../engine/broker-report.ts"
import { EmbeddedEngine } from "../engine/embedded/embedded-engine.ts"
import type { Engine, EngineStatus } from "../engine/engine.ts"
import { RabbitMqEngine } from "../engine/rabbitmq/rabbitmq-engine.ts"
import type { Report } from "../engine/report.ts"
import type { Metrics } from "../telemetry/metrics.ts"

export interface EngineOptions {
  readonly config: Config
  /** Bound of the history in bytes; null if none is kept. */
  readonly maxHistoryBytes: number | null
  /** The entry file of the thread that syncs the embedded engine's store. */
  readonly syncThreadUrl: string
  readonly metrics: Metrics
  readonly onStatusChange: (status: EngineStatus) => void
  /** Called for events that the embedded engine made dead letters without an attempt. */
  readonly onBuried: (queue: string, reason: string, count: number) => void
  readonly report: Report
}

export interface OpenedEngine {
  readonly engine: Engine
  /** How the connection to the broker is; null where the engine has none. */
  readonly brokerReport: (() => BrokerReport) | null
}

/** One row per engine. Only this file names the adapters. */
const ENGINES: Readonly<Record<Config["ENGINE"], (options: EngineOptions) => OpenedEngine>> = {
  embedded: openEmbedded,
  rabbitmq: openRabbitMq,
}

/** Opens the configured engine. */
export const openEngine = (options: EngineOptions): OpenedEngine => ENGINES[options.config.ENGINE](options)

function openEmbedded({
  config,
  maxHistoryBytes,
  syncThreadUrl,
  metrics,
  onStatusChange,
  onBuried,
  report,
}: EngineOptions): OpenedEngine {
  const engine = EmbeddedEngine.open({
    dataDir: config.DATA_DIR,
    maxFactBytes: maxHistoryBytes ?? undefined,
    syncThreadUrl,
    onStatusChange,
    onBuried(...burial) {
      metrics.buried(...burial)
      onBuried(...burial)
    },
    report,
  })
  return { engine, brokerReport: null }
}

function openRabbitMq({ config, maxHistoryBytes, onStatusChange, report }: EngineOptions): OpenedEngine {
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
    recordsFacts: maxHistoryBytes !== null,
    // More than the file of an instance has room for would only be read to be removed.
    ...(maxHistoryBytes !== null && {
      history: { retentionMs: config.HISTORY_RETENTION, maxBytes: maxHistoryBytes },
      journalFolder: config.DATA_DIR,
    }),
    confirmTimeoutMs: config.CONFIRM_TIMEOUT,
    consumerTimeoutMs: config.RABBITMQ_CONSUMER_TIMEOUT,
    onStatusChange,
    report,
  })
  return { engine, brokerReport: () => engine.report() }
}
