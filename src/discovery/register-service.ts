import { hostname } from "node:os"
import type { Config } from "../config.ts"
import type { Logger } from "../telemetry/logger.ts"
import { Registration } from "./registration.ts"
import { Registry } from "./registry.ts"

/** Addresses that stand for all addresses of this machine. */
const EVERY_ADDRESS = new Set(["0.0.0.0", "::"])

/** The name under which a registry lists the service. */
const SERVICE_NAME = "event-broker"

/** Starts to register the service at the configured registry; returns null if none is configured. */
export function registerService(
  config: Config,
  version: string,
  port: number,
  logger: Logger,
): Registration | null {
  if (config.SERVICE_DISCOVERY_URL === "") return null
  const host = config.SERVICE_HOST || (EVERY_ADDRESS.has(config.HOST) ? hostname() : config.HOST)
  const service = {
    id: `${SERVICE_NAME}-${host}-${port}`,
    name: SERVICE_NAME,
    host,
    port,
    health_check: "/health",
    metadata: { version, engine: config.ENGINE },
  }
  return new Registration({ registry: new Registry(config.SERVICE_DISCOVERY_URL), service, logger })
}
