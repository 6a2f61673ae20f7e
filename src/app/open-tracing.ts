import type { Config } from "../config.ts"
import type { Logger } from "../telemetry/logger.ts"
import { PASSING_THROUGH, type Tracing } from "../telemetry/tracing.ts"

/**
 * Opens the configured tracing. Loads OpenTelemetry's SDK only if it is used, because it takes memory, and time at the start.
 */
export async function openTracing(config: Config, version: string, logger: Logger): Promise<Tracing> {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === "") return PASSING_THROUGH
  const { startOtlpTracing } = await import("../telemetry/otlp-tracing.ts")
  return startOtlpTracing({
    endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    serviceName: config.OTEL_SERVICE_NAME,
    version,
    system: config.ENGINE === "rabbitmq" ? "rabbitmq" : "event_broker",
    exchange: config.DEFAULT_EXCHANGE,
    logger,
  })
}
