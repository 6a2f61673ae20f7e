import type { EventDraft } from "../../src/event/envelope.ts"
import {
  type AttemptFact,
  type FactBatch,
  factLine,
  type HistoryFact,
  joinLines,
  type PublishedFact,
} from "../../src/event/history-fact.ts"
import { Projection } from "../../src/history/projection.ts"
import type { HistoryLimits } from "../../src/history/retention.ts"
import { newEvent } from "./new-event.ts"

/** When the events of the tests are published, in milliseconds since the epoch. */
export const START = 1_750_000_000_000

export const ROOMY: HistoryLimits = { retentionMs: 1e12, maxBytes: 1e9 }

export const published = (
  draft: Partial<EventDraft>,
  { at = START, queues = ["custom_events"], ...rest }: Partial<Omit<PublishedFact, "event">> = {},
): HistoryFact => ({ fact: "published", at, queues, event: newEvent(draft), ...rest })

/** A run of 5 ms, which was handled. */
export const attempt = (
  id: string,
  overrides: Partial<Omit<AttemptFact, "fact" | "id">> = {},
): HistoryFact => ({
  fact: "attempt",
  at: START + 100,
  id,
  queue: "custom_events",
  attempt: 1,
  duration_ms: 5,
  outcome: "handled",
  module: "calls.ts",
  handler: "tested",
  generation: "g1",
  ...overrides,
})

let batches = 0

/** Returns facts as a batch with a token of its own. */
export const batchOf = (facts: readonly HistoryFact[], token = `token ${++batches}`): FactBatch => ({
  token,
  position: token,
  text: joinLines(facts.map(factLine)),
})

/** Returns a history in memory that the facts were applied to, all at once. */
export function historyOf(facts: readonly HistoryFact[], limits = ROOMY): Projection {
  const projection = Projection.open(":memory:", limits)
  projection.apply([batchOf(facts)], START + 1_000)
  return projection
}
