import { resolve } from "node:path"
import { nodeNames } from "../config/rabbitmq-nodes.ts"
import type { Config } from "../config.ts"
import type { EngineStatus } from "../engine/engine.ts"
import { VERSION } from "../version.ts"

/** Returns where the console of a service is. */
export const consoleUrl = (url: string): string => `${url}/console`

/** Tells a person on a terminal where the service listens, what stores its events, and where to read on. */
export const bannerLines = (url: string, config: Config, status: EngineStatus): readonly string[] => [
  "",
  `  Event Broker ${VERSION} listens on ${url}`,
  `  Engine   ${describeEngine(config)}`,
  ...("reason" in status ? [`           not ready yet, so events are refused: ${status.reason}`] : []),
  ...(config.CONSOLE === "off" ? [] : [`  Console  ${consoleUrl(url)}`]),
  `  Docs     ${url}/docs`,
  "",
]

function describeEngine(config: Config): string {
  if (config.ENGINE === "embedded") return `embedded, with its store in ${resolve(config.DATA_DIR)}`
  return `rabbitmq, on ${nodeNames(config).join(", ")}, virtual host ${config.RABBITMQ_VHOST}`
}
