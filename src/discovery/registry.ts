/** A service as a registry lists it. */
export interface ServiceDescription {
  /** The same after a restart, so that no dead instance stays listed. */
  readonly id: string
  readonly name: string
  readonly host: string
  readonly port: number
  /** Path of the health check. */
  readonly health_check: string
  readonly metadata: Readonly<Record<string, string>>
}

/** How long a registry may take to answer, in milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000

/** A client of a service registry, with its two calls: `POST /services` and `DELETE /services/<id>`. */
export class Registry {
  readonly #url: string

  /** @param url base of the registry's paths */
  constructor(url: string) {
    this.#url = url.replace(/\/+$/, "")
  }

  get url(): string {
    return this.#url
  }

  /** @throws {Error} if the answer is not 201, or 200 for a service that the registry knew */
  async register(service: ServiceDescription, signal: AbortSignal): Promise<void> {
    await this.#ask("POST", "/services", [200, 201], signal, JSON.stringify(service))
  }

  /** @throws {Error} if the answer is not 200 or 204, or 404 for a service that the registry did not know */
  async deregister(id: string, signal: AbortSignal): Promise<void> {
    await this.#ask("DELETE", `/services/${encodeURIComponent(id)}`, [200, 204, 404], signal)
  }

  async #ask(
    method: string,
    path: string,
    expected: readonly number[],
    signal: AbortSignal,
    body: string | null = null,
  ): Promise<void> {
    const response = await fetch(this.#url + path, {
      method,
      body,
      headers: { "Content-Type": "application/json" },
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    })
    // The body is not needed, and can be endless.
    await response.body?.cancel()
    if (!expected.includes(response.status)) throw new Error(`it answered ${response.status}`)
  }
}
