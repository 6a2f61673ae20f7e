/** A position in a distributed trace. Source: W3C Trace Context, w3.org/TR/trace-context. */
export interface TraceContext {
  /** `00-<trace id>-<parent id>-<flags>`, in hexadecimal. */
  readonly traceparent: string
  /** Values that systems along the trace added, unchanged; null if there are none. */
  readonly tracestate: string | null
}

const TRACEPARENT = /^(?!ff)([\da-f]{2})-((?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2})(-.*)?$/

/** The supported version. Later versions start with the same fields and are passed on as this version. */
const VERSION = "00"

/** Printable characters, up to the length that has to be passed on. Source: section 3.3.1.5. */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/

/**
 * Reads the trace headers of a request or a message. Returns null if they are invalid, because section 4.3
 * says to ignore them then.
 */
export function readTraceContext(traceparent: unknown, tracestate: unknown): TraceContext | null {
  if (typeof traceparent !== "string") return null
  const [, version, ids, rest] = TRACEPARENT.exec(traceparent) ?? []
  if (ids === undefined || (version === VERSION && rest !== undefined)) return null
  const state = typeof tracestate === "string" && TRACESTATE.test(tracestate) ? tracestate : null
  return { traceparent: `${VERSION}-${ids}`, tracestate: state }
}

/** Returns the id of the whole trace, for the log. */
export const traceIdOf = ({ traceparent }: TraceContext): string => traceparent.split("-")[1] ?? ""
