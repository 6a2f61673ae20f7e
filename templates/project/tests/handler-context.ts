import { type Event, type EventDraft, type HandlerContext, verdict } from "event-broker"

/** What a handler is called with, without a broker: it keeps what the handler publishes and logs. */
export interface TestContext extends HandlerContext {
  readonly published: Event[]
  readonly logged: string[]
}

/** An event as it would be delivered. */
export const newEvent = ({ type, name, payload, ...draft }: EventDraft): Event => ({
  id: draft.id ?? crypto.randomUUID(),
  type,
  name,
  routing_key: draft.routing_key ?? `events.${type}.${name}`,
  payload,
  priority: draft.priority ?? "medium",
  metadata: draft.metadata ?? {},
  timestamp: Date.now() / 1_000,
  status: "pending",
  retry_count: 0,
})

export function newContext(): TestContext {
  const published: Event[] = []
  const logged: string[] = []
  const log = (message: string): void => void logged.push(message)
  return {
    published,
    logged,
    queue: "voice_events",
    attempt: 1,
    lastError: null,
    trace: null,
    signal: new AbortController().signal,
    log: { debug: log, info: log, warn: log, error: log },
    publish: async (draft) => {
      const event = newEvent(draft)
      published.push(event)
      return event
    },
    retry: () => ({ [verdict]: true }),
    deadLetter: () => ({ [verdict]: true }),
  }
}
