import {
  type Event,
  type EventDraft,
  type EventType,
  type HandlerContext,
  type Verdict,
  verdict,
} from "event-broker"

/** The context of a handler, without a broker: it keeps what the handler publishes and logs, and has no timeout. */
export interface TestContext extends HandlerContext {
  /** The follow-up events that the handler has published, in order. */
  readonly published: Event[]
  /** The messages that the handler has logged, at any level, in order. */
  readonly logged: string[]
}

/** The parts of the context that a test may choose. */
export type ContextOptions = Partial<
  Pick<HandlerContext, "queue" | "attempt" | "lastError" | "trace" | "causedBy" | "replay" | "signal">
>

/** A verdict that can be compared: `expect(await handler(event, ctx)).toEqual(ctx.retry({ delay: 500 }))`. */
type TestVerdict = Verdict &
  (
    | { readonly kind: "retry"; readonly delay: number | null }
    | { readonly kind: "dead-letter"; readonly reason: string }
  )

const retryVerdict = (delay: number | null): TestVerdict => ({ [verdict]: true, kind: "retry", delay })
const deadLetterVerdict = (reason: string): TestVerdict => ({ [verdict]: true, kind: "dead-letter", reason })

/** The message of a line whose fields, or whose error, come first. */
function messageBeside(fields: object, message: unknown): string {
  if (typeof message === "string") return message
  return fields instanceof Error ? String(fields) : ""
}

/** Makes an event as it is delivered for the first time. */
export const newEvent = <Type extends EventType, Name extends string>({
  type,
  name,
  payload,
  ...draft
}: EventDraft<Type, Name>): Event<Type, Name> => ({
  ...draft,
  id: draft.id ?? crypto.randomUUID(),
  type,
  name,
  routing_key: draft.routing_key || `events.${type}.${name}`,
  payload,
  priority: draft.priority ?? "medium",
  metadata: draft.metadata ?? {},
  timestamp: Date.now() / 1_000,
  status: "pending",
  retry_count: 0,
})

/** Makes the context of a first attempt on the queue of `handlers/voice.ts`; name another queue for other modules. */
export function newContext(options: ContextOptions = {}): TestContext {
  const published: Event[] = []
  const logged: string[] = []
  const log = (first: string | object, second?: unknown): void =>
    void logged.push(typeof first === "string" ? first : messageBeside(first, second))
  return {
    published,
    logged,
    queue: "voice_events",
    generation: "test",
    attempt: 1,
    lastError: null,
    trace: null,
    causedBy: null,
    replay: null,
    signal: new AbortController().signal,
    ...options,
    log: { debug: log, info: log, warn: log, error: log },
    heartbeat: () => {},
    publish: async (draft) => {
      const event = newEvent(draft)
      published.push(event)
      return event
    },
    retry: ({ delay } = {}) => retryVerdict(delay ?? null),
    deadLetter: (reason) => deadLetterVerdict(reason),
  }
}
