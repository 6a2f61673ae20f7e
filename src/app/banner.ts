import { resolve } from "node:path"
import type { Config } from "../config.ts"
import { VERSION } from "../version.ts"

/** Says to a person on a terminal where the service is, what stores its events, and where to read on. */
export const bannerLines = (url: string, config: Config): readonly string[] => [
  "",
  `  Event Broker ${VERSION} listens on ${url}`,
  `  Engine   ${describeEngine(config)}`,
  `  Docs     ${url}/docs`,
  "",
]

function describeEngine(config: Config): string {
  if (config.ENGINE === "embedded") return `embedded, with its store in ${resolve(config.DATA_DIR)}`
  const hosts = config.RABBITMQ_HOST.map(({ host, port }) => `${host}:${port ?? config.RABBITMQ_PORT}`)
  return `rabbitmq, on ${hosts.join(", ")}, virtual host ${config.RABBITMQ_VHOST}`
}
