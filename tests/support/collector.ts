/** A span in OTLP over HTTP, in JSON. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly name: string
  readonly kind: number
  readonly status: { readonly code?: number }
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly attributes: readonly {
    readonly key: string
    readonly value: { readonly stringValue?: string; readonly intValue?: number }
  }[]
}

interface TracesRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: ReceivedSpan["attributes"] }
    readonly scopeSpans: readonly { readonly spans: readonly ReceivedSpan[] }[]
  }[]
}

const TRACES_PATH = "/v1/traces"

/** A collector for traces, like OpenTelemetry's. */
export class Collector implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = []
  /** The sender's resource attributes. */
  resource: Readonly<Record<string, unknown>> = {}
  readonly #server: Bun.Server<undefined>

  constructor(port = 0) {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port,
      fetch: (request) => this.#take(request),
    })
  }

  get url(): string {
    return this.#server.url.href
  }

  /** Returns the spans with this name, the oldest first. */
  named(name: string): readonly ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true)
  }

  async #take(request: Request): Promise<Response> {
    if (request.method !== "POST" || new URL(request.url).pathname !== TRACES_PATH) {
      return new Response(null, { status: 404 })
    }
    const { resourceSpans } = (await request.json()) as TracesRequest
    for (const { resource, scopeSpans } of resourceSpans) {
      this.resource = attributesOf(resource)
      for (const { spans } of scopeSpans) this.spans.push(...spans)
    }
    return Response.json({})
  }
}

/** Returns the attributes of a span by key. */
export function attributesOf({ attributes }: Pick<ReceivedSpan, "attributes">): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]))
}
