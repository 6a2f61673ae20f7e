import type { Event, EventDraft } from "../../src/event/envelope.ts"
import { completeEvent, validateDraft } from "../../src/event/validate.ts"

/** A stored event that differs from a plain one in what the test is about. */
export function newEvent(overrides: Partial<EventDraft> = {}): Event {
  const draft = validateDraft({ type: "custom", name: "tested", payload: {}, ...overrides })
  return completeEvent(draft, Bun.randomUUIDv7, Date.now())
}
