import { reasonOf } from "../system/reason-of.ts"
import type { Logger } from "../telemetry/logger.ts"
import { acceptSwitch } from "./accept-switch.ts"
import type { HttpApp } from "./context.ts"
import { DescriptorGuard } from "./descriptor-guard.ts"
import { ServedExchange, type Serving } from "./exchange.ts"
import { InFlight } from "./in-flight.ts"
import { ProblemError, toProblemResponse } from "./problem.ts"

export interface HttpServerOptions {
  readonly app: HttpApp
  readonly host: string
  readonly port: number
  /** How long an idle connection stays open, in milliseconds; at most 250,000. */
  readonly keepAliveTimeoutMs: number
  readonly logger: Logger
}

/**
 * The service can't listen on its address. The message is one sentence for the person who starts the service.
 */
export class ListenError extends Error {
  override readonly name = "ListenError"
}

/** Above every limit of the service, so that clients get the service's own response, not Bun's. */
const MAX_REQUEST_BYTES = Number.MAX_SAFE_INTEGER

/** Bun checks for idle connections every 4 seconds, and may close one up to that much too early. */
const IDLE_CHECK_SECONDS = 4

/** Accepted values of X-Request-Id. Other values are replaced. */
const REQUEST_ID = /^[\w.:-]{1,128}$/

/** The listening socket. Gives each request its id, and answers all accepted requests before it closes. */
export class HttpServer {
  readonly #app: HttpApp
  readonly #logger: Logger
  readonly #server: Bun.Server<undefined>
  readonly #serving: Serving
  /** Null on systems that can't pause accepting. */
  readonly #descriptors: DescriptorGuard | null
  readonly #inFlight = new InFlight()
  readonly #stopping = new AbortController()

  /** @throws {ListenError} if the server can't listen on the address. */
  constructor({ app, host, port, keepAliveTimeoutMs, logger }: HttpServerOptions) {
    this.#app = app
    this.#logger = logger
    const idleTimeoutSeconds = Math.ceil(keepAliveTimeoutMs / 1_000) + IDLE_CHECK_SECONDS
    try {
      this.#server = Bun.serve({
        hostname: host,
        port,
        development: false,
        // Without development mode, Bun would share the port with a process that already listens there.
        reusePort: false,
        maxRequestBodySize: MAX_REQUEST_BYTES,
        idleTimeout: idleTimeoutSeconds,
        fetch: (request) => this.#answer(request),
      })
    } catch (cause) {
      throw new ListenError(explain(host, port, cause), { cause })
    }
    this.#serving = {
      server: this.#server,
      idleTimeoutSeconds,
      inFlight: this.#inFlight,
      stopping: this.#stopping.signal,
    }
    const accepting = acceptSwitch(this.port)
    this.#descriptors = accepting && new DescriptorGuard(accepting, logger)
  }

  /** Address at which clients on this machine reach the server. */
  get url(): string {
    return this.#server.url.href.replace("0.0.0.0", "127.0.0.1").replace(/\/$/, "")
  }

  get port(): number {
    return this.#server.port ?? 0
  }

  /** True while no connections are accepted because the process has no file descriptors left. */
  get isExhausted(): boolean {
    return this.#descriptors?.isExhausted ?? false
  }

  /** Stops accepting connections, answers the requests in flight, and closes. Waits at most `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort()
    this.#descriptors?.[Symbol.dispose]()
    const listening = this.#server.stop()
    // Streams that end now send their last bytes one turn of the event loop later.
    await Bun.sleep(0)
    await this.#inFlight.drained(timeoutMs)
    // Closes the remaining connections, which are idle.
    await this.#server.stop(true)
    await listening
  }

  async #answer(request: Request): Promise<Response> {
    const given = request.headers.get("x-request-id")
    const requestId = given !== null && REQUEST_ID.test(given) ? given : Bun.randomUUIDv7()
    this.#inFlight.begin()
    try {
      const response = await this.#app(request, new ServedExchange(requestId, request, this.#serving))
      if (this.#stopping.signal.aborted) response.headers.set("Connection", "close")
      return response
    } catch (error) {
      // The app answers its own errors. Only disconnected clients, and faults of the app itself, get here.
      this.#logger.warn({ request_id: requestId, reason: String(error) }, "request not answered")
      return toProblemResponse(new ProblemError("internal", "The request failed."), requestId)
    } finally {
      this.#inFlight.end()
    }
  }
}

function explain(host: string, port: number, cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  if (code === "EADDRINUSE") return `port ${port} on ${host} is in use: stop what listens there, or set PORT`
  if (code === "EADDRNOTAVAIL") {
    return `HOST ${host} is not an address of this machine: set HOST to one that is, or to 0.0.0.0 for all of them`
  }
  if (code === "EACCES") return `this user can't listen on port ${port}: set PORT to 1024 or above`
  return `can't listen on ${host}:${port}: ${reasonOf(cause)}`
}
