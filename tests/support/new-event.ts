import type { Event, EventDraft } from "../../src/event/envelope.ts"
import { completeEvent, validateDraft } from "../../src/event/validate.ts"

/** Returns a plain stored event with the overrides of the test. */
export function newEvent(overrides: Partial<EventDraft> = {}): Event {
  const draft = validateDraft({ type: "custom", name: "tested", payload: {}, ...overrides })
  return completeEvent(draft, Bun.randomUUIDv7, Date.now())
}
