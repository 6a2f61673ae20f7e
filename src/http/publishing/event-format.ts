import { cloudEventOf, draftOfCloudEvent, inCloudEvent } from "../../event/cloud-event.ts"
import type { Event } from "../../event/envelope.ts"
import { EventInvalidError, type Fault } from "../../event/errors.ts"
import { readTraceContext, type TraceContext } from "../../event/trace-context.ts"
import type { Publisher } from "../../publisher/publisher.ts"
import type { StoredKey } from "../access/key-file.ts"
import { requirePublish } from "../access/reach.ts"

/** How events are written, on the way in and out. */
export interface EventFormat {
  /** What is sent, as a draft, and the trace that it names itself. @throws {EventInvalidError} */
  read(input: unknown): { readonly draft: unknown; readonly trace: TraceContext | null }
  /** Where a fault of the draft is in what was sent. */
  faultOf(fault: Fault): Fault
  write(event: Event): unknown
}

/** As the envelope has them. */
export const ENVELOPE: EventFormat = {
  read: (draft) => ({ draft, trace: null }),
  faultOf: (fault) => fault,
  write: (event) => event,
}

/** As CloudEvents, with the trace of their extension for distributed tracing. */
export const AS_CLOUD_EVENT: EventFormat = {
  read(input) {
    const draft = draftOfCloudEvent(input)
    const { traceparent, tracestate } = draft.metadata
    return { draft, trace: readTraceContext(traceparent, tracestate) }
  },
  faultOf: inCloudEvent,
  write: cloudEventOf,
}

/** Who publishes, and in which trace. */
export interface Publishing {
  readonly publisher: Publisher
  readonly key: StoredKey | null
  /** That of the request; it goes before one that the event names. */
  readonly trace: TraceContext | null
}

/** Publishes what a client has sent. @throws {ProblemError | EventInvalidError | PublishError} */
export async function publishAs(
  format: EventFormat,
  input: unknown,
  { publisher, key, trace }: Publishing,
): Promise<Event> {
  try {
    const read = format.read(input)
    requirePublish(key, read.draft)
    return await publisher.publish(read.draft, trace ?? read.trace)
  } catch (error) {
    if (error instanceof EventInvalidError) {
      throw new EventInvalidError(error.faults.map(format.faultOf), error.faultCount)
    }
    throw error
  }
}
