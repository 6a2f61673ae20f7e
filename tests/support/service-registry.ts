import type { ServiceDescription } from "../../src/discovery/registry.ts"

const SERVICES_PATH = "/services"

/** A registry that drops a service after its time to live without a call. */
export class ServiceRegistry implements AsyncDisposable {
  /** Every call with the status of its response: `POST 201`. */
  readonly calls: string[] = []
  /** How it answers: normally, with an error, or never. */
  mode: "well" | "failing" | "hanging" = "well"
  /** Called when a service is removed, before the response. */
  onDelete: () => Promise<void> = async () => {}
  /** Called when a service registers, before it is added. */
  onPost: () => Promise<void> = async () => {}
  /** Number of unanswered calls. */
  pending = 0
  readonly #ttlMs: number
  readonly #services = new Map<string, { readonly service: ServiceDescription; readonly heardAt: number }>()
  readonly #server: Bun.Server<undefined>

  constructor({ port = 0, ttlMs = 60_000 }: { readonly port?: number; readonly ttlMs?: number } = {}) {
    this.#ttlMs = ttlMs
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port,
      fetch: (request) => this.#answer(request),
    })
  }

  get url(): string {
    return this.#server.url.href.replace(/\/$/, "")
  }

  /** The registered services. */
  get services(): readonly ServiceDescription[] {
    const oldest = performance.now() - this.#ttlMs
    return [...this.#services.values()].flatMap(({ service, heardAt }) => (heardAt < oldest ? [] : [service]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true)
  }

  async #answer(request: Request): Promise<Response> {
    this.pending++
    const status = await this.#take(request)
    this.pending--
    this.calls.push(`${request.method} ${status}`)
    return new Response(status === 204 ? null : "{}", { status })
  }

  async #take(request: Request): Promise<number> {
    if (this.mode === "hanging") await new Promise(() => {})
    if (this.mode === "failing") return 500
    const { pathname } = new URL(request.url)
    if (request.method === "POST" && pathname === SERVICES_PATH) {
      const service = (await request.json()) as ServiceDescription
      await this.onPost()
      const wasKnown = this.#services.has(service.id)
      this.#services.set(service.id, { service, heardAt: performance.now() })
      return wasKnown ? 200 : 201
    }
    if (request.method === "DELETE" && pathname.startsWith(`${SERVICES_PATH}/`)) {
      await this.onDelete()
      return this.#services.delete(decodeURIComponent(pathname.slice(SERVICES_PATH.length + 1))) ? 204 : 404
    }
    return 404
  }
}
