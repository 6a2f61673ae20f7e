import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base"
import type { Logger } from "./logger.ts"
import { explainNetworkFault } from "./network-fault.ts"

type ExportResult = Parameters<Parameters<SpanExporter["export"]>[1]>[0]

/** Sends spans through another exporter, and logs when that begins to fail and when it works again. */
export class TellingExporter implements SpanExporter {
  readonly #exporter: SpanExporter
  readonly #url: string
  readonly #logger: Logger
  #isFailing = false

  constructor(exporter: SpanExporter, url: string, logger: Logger) {
    this.#exporter = exporter
    this.#url = url
    this.#logger = logger
  }

  export(spans: ReadableSpan[], onDone: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      this.#tell(result.error)
      onDone(result)
    })
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown()
  }

  #tell(error: Error | undefined): void {
    const isFailing = error !== undefined
    if (isFailing === this.#isFailing) return
    this.#isFailing = isFailing
    if (error === undefined) this.#logger.info({ url: this.#url }, "spans are taken again")
    else
      this.#logger.warn(
        { url: this.#url, reason: explainNetworkFault(error) },
        "spans can't be sent; they are dropped",
      )
  }
}
