import { z } from "@hono/zod-openapi"
import { readTraceContext, type TraceContext } from "../event/trace-context.ts"

/** Trace headers of a request. Source: W3C Trace Context, section 3. */
export const TRACE_HEADERS = z.object({
  traceparent: z
    .string()
    .optional()
    .openapi({ description: "Trace of the events (W3C Trace Context). Every delivery carries it." }),
  tracestate: z.string().optional().openapi({ description: "Trace state (W3C Trace Context)." }),
})

export function readTrace(headers: Headers): TraceContext | null {
  const traceparent = headers.get("traceparent")
  return traceparent === null ? null : readTraceContext(traceparent, headers.get("tracestate"))
}
