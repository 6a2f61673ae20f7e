import type { Exchange } from "./context.ts"
import type { InFlight } from "./in-flight.ts"

/** The parts of a server that its exchanges share. */
export interface Serving {
  readonly server: Bun.Server<undefined>
  readonly idleTimeoutSeconds: number
  readonly inFlight: InFlight
  readonly stopping: AbortSignal
}

/** The exchange of a request that Bun's server received. */
export class ServedExchange implements Exchange {
  readonly requestId: string
  readonly #request: Request
  readonly #serving: Serving

  constructor(requestId: string, request: Request, serving: Serving) {
    this.requestId = requestId
    this.#request = request
    this.#serving = serving
  }

  get stopping(): AbortSignal {
    return this.#serving.stopping
  }

  address(): string | null {
    return this.#serving.server.requestIP(this.#request)?.address ?? null
  }

  /** Bun closes an idle connection even while its client waits for a response. */
  mayTakeLong(): Disposable {
    const { server, idleTimeoutSeconds } = this.#serving
    const request = this.#request
    server.timeout(request, 0)
    // Otherwise the connection would stay open forever if the client sends nothing after this request.
    return { [Symbol.dispose]: () => server.timeout(request, idleTimeoutSeconds) }
  }

  hold(): Disposable {
    const { inFlight } = this.#serving
    inFlight.begin()
    return { [Symbol.dispose]: () => inFlight.end() }
  }
}
