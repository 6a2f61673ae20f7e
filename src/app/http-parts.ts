import type { Config } from "../config.ts"
import { pageRules } from "../http/access/page-guard.ts"
import { RateLimit } from "../http/access/rate-limit.ts"
import { BodyLimits } from "../http/body-limits.ts"
import type { HttpContext } from "../http/context.ts"
import { Cors } from "../http/cors.ts"
import { createHttpApp } from "../http/http-app.ts"
import { HttpServer } from "../http/http-server.ts"
import { KeyedRequests } from "../http/publishing/keyed-requests.ts"
import { VERSION } from "../version.ts"

/** The parts of the context that the configuration alone decides. */
type Configured =
  | "exchange"
  | "maxBodyBytes"
  | "maxBatchBytes"
  | "bodies"
  | "keyed"
  | "rates"
  | "pages"
  | "cors"
  | "console"
  | "version"

/** Makes what the routes need of the configuration. */
export function configured(config: Config): Pick<HttpContext, Configured> {
  const { MAX_BODY_BYTES: maxBodyBytes, MAX_BATCH_BYTES: maxBatchBytes } = config
  return {
    exchange: {
      name: config.DEFAULT_EXCHANGE,
      type: config.DEFAULT_EXCHANGE_TYPE,
      vhost: config.RABBITMQ_VHOST,
    },
    maxBodyBytes,
    maxBatchBytes,
    bodies: new BodyLimits({
      timeoutMs: config.BODY_TIMEOUT,
      bufferedBytes: config.MAX_BUFFERED_BYTES,
      largestBytes: Math.max(maxBodyBytes, maxBatchBytes),
    }),
    keyed: new KeyedRequests(config.DEDUPLICATION_WINDOW),
    rates: config.RATE_LIMIT === 0 ? null : new RateLimit(config.RATE_LIMIT),
    pages: pageRules(config),
    cors: config.CORS_ORIGINS.length === 0 ? null : new Cors(config.CORS_ORIGINS),
    console: { mode: config.CONSOLE, label: config.CONSOLE_LABEL },
    version: VERSION,
  }
}

/**
 * Starts the server.
 * @throws {ListenError} if it can't listen on the configured address
 */
export const serveHttp = (config: Config, context: HttpContext): HttpServer =>
  new HttpServer({
    app: createHttpApp(context),
    host: config.HOST,
    port: config.PORT,
    keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT,
    logger: context.logger,
  })
