import type { Logger } from "../telemetry/logger.ts"
import { acceptSwitch } from "./accept-switch.ts"
import type { HttpApp } from "./context.ts"
import { DescriptorGuard } from "./descriptor-guard.ts"
import { ProblemError, toProblemResponse } from "./problem.ts"

export interface HttpServerOptions {
  readonly app: HttpApp
  readonly host: string
  readonly port: number
  /** How long a connection stays open while nothing moves on it, in milliseconds; at most 250,000. */
  readonly keepAliveTimeoutMs: number
  readonly logger: Logger
}

/** The service can't listen where it was told to. The message is one sentence for whoever starts it. */
export class ListenError extends Error {
  override readonly name = "ListenError"
}

/** Above every limit of ours, so that it is our own answer that a client gets. */
const MAX_REQUEST_BYTES = Number.MAX_SAFE_INTEGER

/** Bun looks for idle connections every 4 seconds, and may close one that much before its time. */
const IDLE_CHECK_SECONDS = 4

/** What a client may name its request: anything else is replaced. */
const REQUEST_ID = /^[\w.:-]{1,128}$/

/** The listening socket. It gives each request its id, and answers all that it took before it closes. */
export class HttpServer {
  readonly #app: HttpApp
  readonly #logger: Logger
  readonly #server: Bun.Server<undefined>
  readonly #idleTimeoutSeconds: number
  /** Null where the system has no way to stop accepting. */
  readonly #descriptors: DescriptorGuard | null
  readonly #stopping = new AbortController()
  #inFlight = 0
  #onDrained: (() => void) | undefined

  /** @throws {ListenError} where the address can't be listened on. */
  constructor({ app, host, port, keepAliveTimeoutMs, logger }: HttpServerOptions) {
    this.#app = app
    this.#logger = logger
    this.#idleTimeoutSeconds = Math.ceil(keepAliveTimeoutMs / 1_000) + IDLE_CHECK_SECONDS
    try {
      this.#server = Bun.serve({
        hostname: host,
        port,
        development: false,
        // Without development mode Bun shares the port with whoever listens there already.
        reusePort: false,
        maxRequestBodySize: MAX_REQUEST_BYTES,
        idleTimeout: this.#idleTimeoutSeconds,
        fetch: (request) => this.#answer(request),
      })
    } catch (cause) {
      throw new ListenError(explain(host, port, cause), { cause })
    }
    const accepting = acceptSwitch(this.port)
    this.#descriptors = accepting && new DescriptorGuard(accepting, logger)
  }

  /** Where it listens; a client on this machine reaches it there. */
  get url(): string {
    return this.#server.url.href.replace("0.0.0.0", "127.0.0.1").replace(/\/$/, "")
  }

  get port(): number {
    return this.#server.port ?? 0
  }

  /** Whether it accepts no connections, because the process has no file descriptors left. */
  get isExhausted(): boolean {
    return this.#descriptors?.isExhausted ?? false
  }

  /** Takes no more connections, answers the requests that it has, and closes. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort()
    this.#descriptors?.[Symbol.dispose]()
    const listening = this.#server.stop()
    // Streams that end now have their last bytes on the way a turn later.
    await Bun.sleep(0)
    if (this.#inFlight > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onDrained = resolve
      const timer = setTimeout(resolve, timeoutMs)
      await promise
      clearTimeout(timer)
    }
    // What is left are connections that are kept open with nothing asked on them.
    await this.#server.stop(true)
    await listening
  }

  async #answer(request: Request): Promise<Response> {
    const given = request.headers.get("x-request-id")
    const requestId = given !== null && REQUEST_ID.test(given) ? given : Bun.randomUUIDv7()
    this.#inFlight++
    try {
      const response = await this.#app(request, {
        requestId,
        address: () => this.#server.requestIP(request)?.address ?? null,
        mayTakeLong: () => this.#suspendIdleTimeout(request),
        hold: () => this.#hold(),
        stopping: this.#stopping.signal,
      })
      if (this.#stopping.signal.aborted) response.headers.set("Connection", "close")
      return response
    } catch (error) {
      // The app answers its own errors; what comes here is a client that left, or a fault in the app itself.
      this.#logger.warn({ request_id: requestId, reason: String(error) }, "a request was not answered")
      return toProblemResponse(new ProblemError("internal", "The request failed."), requestId)
    } finally {
      this.#letGo()
    }
  }

  /** Bun closes a connection on which nothing moves, even while the client waits for an answer. */
  #suspendIdleTimeout(request: Request): Disposable {
    this.#server.timeout(request, 0)
    // Otherwise the connection would stay open for ever if the client sends nothing after this request.
    return { [Symbol.dispose]: () => this.#server.timeout(request, this.#idleTimeoutSeconds) }
  }

  /** The server does not close while something is held. */
  #hold(): Disposable {
    this.#inFlight++
    return { [Symbol.dispose]: () => this.#letGo() }
  }

  #letGo(): void {
    this.#inFlight--
    // The response is handed over after this returns; the wait ends a turn later.
    if (this.#inFlight === 0 && this.#onDrained !== undefined) setTimeout(this.#onDrained)
  }
}

function explain(host: string, port: number, cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  if (code === "EADDRINUSE") return `port ${port} on ${host} is in use: stop what listens there, or set PORT`
  return `can't listen on ${host}:${port}: ${cause instanceof Error ? cause.message : String(cause)}`
}
