import type { Mark } from "../../engine/once.ts"
import { cloudEventOf, draftOfCloudEvent, inCloudEvent } from "../../event/cloud-event.ts"
import type { Event } from "../../event/envelope.ts"
import { EventInvalidError } from "../../event/errors.ts"
import type { Fault } from "../../event/faults.ts"
import { readTraceContext, type TraceContext } from "../../event/trace-context.ts"
import type { Published, Publisher } from "../../publisher/publisher.ts"
import type { StoredKey } from "../access/key-file.ts"
import { requirePublish } from "../access/reach.ts"

/** Reads and writes events in one format. */
export interface EventFormat {
  /** Returns the draft, and the trace that the input itself names. @throws {EventInvalidError} */
  read(input: unknown): { readonly draft: unknown; readonly trace: TraceContext | null }
  /** Converts a fault of the draft to a fault of the input. */
  faultOf(fault: Fault): Fault
  write(event: Event): unknown
}

/** The event envelope. */
export const ENVELOPE: EventFormat = {
  read: (draft) => ({ draft, trace: null }),
  faultOf: (fault) => fault,
  write: (event) => event,
}

/** CloudEvents, with the trace of their extension for distributed tracing. */
export const AS_CLOUD_EVENT: EventFormat = {
  read(input) {
    const draft = draftOfCloudEvent(input)
    const { traceparent, tracestate } = draft.metadata
    return { draft, trace: readTraceContext(traceparent, tracestate) }
  },
  faultOf: inCloudEvent,
  write: cloudEventOf,
}

/** The publishing client and the trace of its request. */
export interface Publishing {
  readonly publisher: Publisher
  readonly key: StoredKey | null
  /** The trace of the request. It overrides the trace that the event names. */
  readonly trace: TraceContext | null
}

/**
 * Publishes the input of a client.
 * @param marks mark the event by the idempotency key of the request, if it has one
 * @throws {ProblemError | EventInvalidError | PublishError}
 */
export async function publishAs(
  format: EventFormat,
  input: unknown,
  { publisher, key, trace }: Publishing,
  marks?: readonly Mark[],
): Promise<Published> {
  const read = format.read(input)
  requirePublish(key, read.draft)
  try {
    return await publisher.publish(read.draft, trace ?? read.trace, null, marks)
  } catch (error) {
    if (error instanceof EventInvalidError) {
      throw new EventInvalidError(error.faults.map(format.faultOf), error.faultCount)
    }
    throw error
  }
}
