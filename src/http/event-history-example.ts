import type { z } from "@hono/zod-openapi"
import { STORED_EVENT_EXAMPLE } from "./description/envelope-json-schema.ts"
import type { EventHistorySchema, EventListSchema } from "./event-history.ts"

const BEGAN = 1_795_477_614.551

const FACTS = {
  id: STORED_EVENT_EXAMPLE.id,
  type: STORED_EVENT_EXAMPLE.type,
  name: STORED_EVENT_EXAMPLE.name,
  routing_key: STORED_EVENT_EXAMPLE.routing_key,
  ordering_key: null,
  status: "completed" as const,
  published_at: BEGAN,
  caused_by: null,
  trace_id: null,
}

const DELIVERY = {
  queue: "voice_events",
  state: "handled" as const,
  since: BEGAN + 0.012,
  attempts: 1,
  reason: null,
  next_attempt_at: null,
}

export const EXAMPLE_LIST: z.infer<typeof EventListSchema> = {
  count: 1,
  events: [{ ...FACTS, queues: [DELIVERY] }],
  cursor: null,
  incomplete: null,
}

export const EXAMPLE_HISTORY: z.infer<typeof EventHistorySchema> = {
  ...FACTS,
  event: STORED_EVENT_EXAMPLE,
  publications: 1,
  caused: [],
  has_more_caused: false,
  incomplete: null,
  queues: [
    {
      ...DELIVERY,
      timeline: [
        { what: "published", at: BEGAN },
        {
          what: "attempt",
          at: DELIVERY.since,
          started_at: BEGAN + 0.002,
          duration_ms: 9.8,
          attempt: 1,
          outcome: "handled",
          reason: null,
          error: null,
          next_attempt_at: null,
          module: "transcripts.ts",
          handler: "speech_recognized",
          generation: "4f0c2a91",
          replay: null,
          log: {
            lines: [{ at: BEGAN + 0.003, level: "info", text: 'transcribed {"words":4}' }],
            omitted: 0,
          },
        },
      ],
      omitted: 0,
    },
  ],
}
