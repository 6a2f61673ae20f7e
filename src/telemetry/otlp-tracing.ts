import {
  type Attributes,
  createTraceState,
  type Link,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace as traceApi,
} from "@opentelemetry/api"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http"
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources"
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base"
import type { TraceContext } from "../event/trace-context.ts"
import type { Logger } from "./logger.ts"
import { TellingExporter } from "./telling-exporter.ts"
import type { Span, Tracing } from "./tracing.ts"

export interface OtlpTracingOptions {
  /** Base URL of the collector for OTLP over HTTP, without the path of a signal. */
  readonly endpoint: string
  readonly serviceName: string
  readonly version: string
  /** Value of `messaging.system`. */
  readonly system: string
  /** Exchange to which events are published. */
  readonly exchange: string
  readonly logger: Logger
}

/** Path of traces below the endpoint of a collector. Source: OpenTelemetry's OTLP exporter configuration. */
const TRACES_PATH = "/v1/traces"

/** How long a stop waits for the collector to take the last spans, in milliseconds. */
const FLUSH_TIMEOUT_MS = 1_000

/**
 * Tracing by OpenTelemetry's SDK, with spans by its semantic conventions for messaging
 * (opentelemetry.io/docs/specs/semconv/messaging/messaging-spans). Events never wait for spans: spans that
 * can't be sent, or are too many, are dropped.
 */
export function startOtlpTracing(options: OtlpTracingOptions): Tracing {
  const { endpoint, serviceName, version, system, exchange, logger } = options
  const url = endpoint.replace(/\/+$/, "") + TRACES_PATH
  const exporter = new TellingExporter(new OTLPTraceExporter({ url }), url, logger)
  const resource = resourceFromAttributes({ "service.name": serviceName, "service.version": version })
  const provider = new BasicTracerProvider({
    resource: resource.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
  const tracer = provider.getTracer("event-broker", version)
  const begin = (
    operation: "send" | "process",
    destination: string,
    { parent, links, attributes }: Relations,
  ) =>
    tracer.startSpan(
      `${operation} ${destination}`,
      {
        kind: operation === "send" ? SpanKind.PRODUCER : SpanKind.CONSUMER,
        links: [...links],
        attributes: {
          "messaging.system": system,
          "messaging.operation.name": operation,
          "messaging.operation.type": operation,
          "messaging.destination.name": destination,
          ...attributes,
        },
      },
      parent === null ? ROOT_CONTEXT : traceApi.setSpanContext(ROOT_CONTEXT, parent),
    )
  return {
    publishing({ eventId, routingKey }, parent) {
      const attributes = {
        "messaging.message.id": eventId,
        ...(system === "rabbitmq" && { "messaging.rabbitmq.destination.routing_key": routingKey }),
      }
      return asSpan(
        begin("send", exchange, { parent: parent && toSpanContext(parent), links: [], attributes }),
      )
    },
    processing({ queue, handler, events }) {
      const contexts = events.flatMap(({ trace }) => (trace === null ? [] : [toSpanContext(trace)]))
      const [first] = events
      const isBatch = events.length > 1
      const attributes = {
        "code.function.name": handler,
        ...(isBatch
          ? { "messaging.batch.message_count": events.length }
          : { "messaging.message.id": first?.eventId ?? "" }),
      }
      // A call with one event continues its trace. A call with several is linked to the trace of each.
      return asSpan(
        begin("process", queue, {
          parent: isBatch ? null : (contexts[0] ?? null),
          links: isBatch ? contexts.map((context) => ({ context })) : [],
          attributes,
        }),
      )
    },
    async stop() {
      const stopped = provider.shutdown().catch(() => {
        // The exporter has logged why. The spans are lost, but no event is.
      })
      await Promise.race([stopped, Bun.sleep(FLUSH_TIMEOUT_MS)])
    },
  }
}

/** Relations of a span to others, and its attributes. */
interface Relations {
  readonly parent: SpanContext | null
  readonly links: readonly Link[]
  readonly attributes: Attributes
}

function asSpan(span: OtelSpan): Span {
  return {
    trace: toTraceContext(span.spanContext()),
    end(failure) {
      if (failure !== null) {
        span.setAttribute("error.type", failure)
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    },
  }
}

function toSpanContext({ traceparent, tracestate }: TraceContext): SpanContext {
  const [, traceId = "", spanId = "", flags = "0"] = traceparent.split("-")
  const traceFlags = Number.parseInt(flags, 16)
  const context = { traceId, spanId, traceFlags, isRemote: true }
  return tracestate === null ? context : { ...context, traceState: createTraceState(tracestate) }
}

function toTraceContext({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const flags = traceFlags.toString(16).padStart(2, "0")
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: traceState?.serialize() || null }
}
