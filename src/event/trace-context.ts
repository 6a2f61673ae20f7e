/** Where in a distributed trace something happens. Source: W3C Trace Context, w3.org/TR/trace-context. */
export interface TraceContext {
  /** `00-<trace id>-<parent id>-<flags>`, in hexadecimal. */
  readonly traceparent: string
  /** What the systems of the trace's way have added, as it came; null where there is nothing. */
  readonly tracestate: string | null
}

const TRACEPARENT = /^(?!ff)([\da-f]{2})-((?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2})(-.*)?$/

/** The version that is known; a later one begins like it, and is handed on as this one. */
const VERSION = "00"

/** Printable characters, as many as have to be handed on. Source: section 3.3.1.5. */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/

/** Reads what a request or a message has; null where that is no trace: then there is none, as section 4.3 asks. */
export function readTraceContext(traceparent: unknown, tracestate: unknown): TraceContext | null {
  if (typeof traceparent !== "string") return null
  const [, version, ids, rest] = TRACEPARENT.exec(traceparent) ?? []
  if (ids === undefined || (version === VERSION && rest !== undefined)) return null
  const state = typeof tracestate === "string" && TRACESTATE.test(tracestate) ? tracestate : null
  return { traceparent: `${VERSION}-${ids}`, tracestate: state }
}

/** The id of the whole trace, for the log. */
export const traceIdOf = ({ traceparent }: TraceContext): string => traceparent.split("-")[1] ?? ""
