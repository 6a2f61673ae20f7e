import { z } from "@hono/zod-openapi"
import type { AttemptLog } from "../event/attempt-log.ts"
import { DELIVERY_STATES, EVENT_STATUSES, statusOf } from "../history/delivery-state.ts"
import type {
  EditRecord,
  EventHistory,
  EventSummary,
  QueueSummary,
  TimelineEntry,
} from "../history/history-query.ts"
import type { Running } from "./context.ts"
import { schemaReference } from "./description/components.ts"

/** States of a delivery, as answers show them: only this instance knows which of its handlers run. */
export const SHOWN_STATES = ["running", ...DELIVERY_STATES] as const

const seconds = (description: string) =>
  z.number().openapi({ description: `${description}, in seconds since the epoch, fractional.` })

const ErrorSchema = z.object({ name: z.string(), message: z.string(), stack: z.string().optional() })

const LogSchema = z
  .object({
    lines: z.array(
      z.object({
        at: seconds("When it was written"),
        level: z.enum(["debug", "info", "warn", "error"]),
        text: z.string().openapi({
          description:
            "The message, and behind it the fields as JSON, if there are any. One of more than 1,024 characters is cut.",
        }),
      }),
    ),
    omitted: z.number().int().openapi({ description: "Number of earlier lines that are left out." }),
  })
  .openapi("AttemptLog", {
    description:
      "The last lines that the attempt wrote to the log at LOG_LEVEL or above: at most 20, of 4,096 characters together. " +
      "The events of a batch share them. Null if it wrote none.",
  })

const TimelineSchema = z
  .object({
    what: z
      .enum(["published", "attempt", "dead-lettered", "redriven", "replayed", "purged"])
      .openapi({ description: "What happened. Only an attempt has the fields from `started_at` on." }),
    at: seconds("When it happened; for an attempt, when it ended"),
    started_at: z.number().optional(),
    duration_ms: z.number().optional().openapi({ description: "How long the function ran." }),
    attempt: z.number().int().optional().openapi({ description: "1 for the first." }),
    outcome: z.enum(["handled", "retry", "dead-letter"]).optional(),
    reason: z.string().nullable().optional().openapi({
      description: "Why the attempt failed, or why the event became a dead letter.",
    }),
    error: ErrorSchema.nullable().optional(),
    next_attempt_at: z.number().nullable().optional(),
    module: z.string().optional().openapi({ description: "File of the handler module." }),
    handler: z
      .string()
      .optional()
      .openapi({ description: "Name of its function; `*` stands for all others." }),
    generation: z.string().optional().openapi({ description: "The module set that ran it." }),
    replay: z.string().nullable().optional().openapi({ description: "Id of the replay." }),
    log: LogSchema.nullable().optional(),
    is_edited: z.boolean().optional().openapi({
      description: "Only of a redrive: true if the event was edited before it returned to its queue.",
    }),
    edited_event: z
      .unknown()
      .optional()
      .openapi({
        description:
          "Only of a redrive with an edit: the event as it is since; null if it is too long to be kept.",
        anyOf: [schemaReference("Event"), { type: "null" }],
      }),
  })
  .openapi("TimelineEntry")

const DeliverySchema = z
  .object({
    queue: z.string(),
    state: z.enum(SHOWN_STATES).openapi({
      description:
        "`running` is known of handlers of this instance alone; on others the event is `waiting` or `retrying` meanwhile. " +
        "`expired` is a dead letter that waited too long; `cancelled` was purged. `unknown`: the publish was not confirmed, so nobody knows whether the event is there; " +
        "what happens to it later settles that.",
    }),
    since: seconds("When it entered the state"),
    attempts: z
      .number()
      .int()
      .openapi({ description: "Number of attempts, also before a redrive or a replay." }),
    reason: z.string().nullable().openapi({
      description: "Why the last attempt failed, or why the event is a dead letter; otherwise null.",
    }),
    next_attempt_at: z.number().nullable().openapi({ description: "When the next attempt is due." }),
  })
  .openapi("EventDelivery")

const summary = {
  id: z.string(),
  type: z.string().nullable().openapi({
    description:
      "Null, as name and routing key, if the history does not have the publish: it was before it began, or `HISTORY` was off.",
  }),
  name: z.string().nullable(),
  routing_key: z.string().nullable(),
  ordering_key: z.string().nullable(),
  status: z.enum(EVENT_STATUSES).openapi({
    description:
      "Over all queues. `pending`: nothing has happened yet. `processing`: a queue is not done. `completed`: all have handled " +
      "it. `failed`: all are done, and at least one has not handled it. `unknown`: the history does not have the publish, so " +
      "other queues than these may have the event.",
  }),
  published_at: seconds("When it was stored").nullable(),
  caused_by: z.string().nullable().openapi({ description: "Id of the event whose handler published it." }),
  trace_id: z.string().nullable(),
}

const incomplete = z.string().nullable().openapi({
  description:
    "Why the history may lack something now, such as an outage of RabbitMQ; null if it is complete.",
})

const SummarySchema = z.object({ ...summary, queues: z.array(DeliverySchema) }).openapi("EventSummary")

export const EventListSchema = z
  .object({
    count: z.number().int().openapi({ description: "Number of events in this response." }),
    events: z.array(SummarySchema),
    cursor: z
      .string()
      .nullable()
      .openapi({
        description:
          "Pass it as the parameter `cursor` to continue the list; null at its end. A page may be short or empty although more " +
          "follows.",
      }),
    incomplete,
  })
  .openapi("EventList")

export const EventHistorySchema = z
  .object({
    ...summary,
    event: z.unknown().openapi({
      description: "The event as it was published; null if it is not known.",
      anyOf: [schemaReference("Event"), { type: "null" }],
    }),
    publications: z.number().int().openapi({
      description: "Number of publishes with this id in the history. The answer is about the last one.",
    }),
    caused: z
      .array(z.string())
      .openapi({ description: "Ids of events that its handlers published: the first 100." }),
    has_more_caused: z.boolean(),
    incomplete,
    queues: z.array(
      DeliverySchema.extend({
        timeline: z.array(TimelineSchema),
        omitted: z.number().int().openapi({
          description: "Number of entries that are left out in the middle of a long timeline.",
        }),
      }),
    ),
  })
  .openapi("EventHistory")

type Summary = z.infer<typeof SummarySchema>
type History = z.infer<typeof EventHistorySchema>

/** Returns an event of a list, as answers show it. */
export function showSummary(event: EventSummary, running: Running): Summary {
  const { queues, status } = overlaid(event, running)
  return { ...factsOf(event), status, queues: queues.map(showDelivery) }
}

/** Returns everything that is known of an event as JSON. The event's own JSON is copied, so that no number changes. */
export function historyText(event: EventHistory, running: Running, incomplete: string | null): string {
  const { queues, status } = overlaid(event, running)
  const rest: Omit<History, "event"> = {
    ...factsOf(event),
    status,
    publications: event.publications,
    caused: [...event.caused],
    has_more_caused: event.hasMoreCaused,
    incomplete,
    queues: queues.map(({ timeline, omitted, ...delivery }) => ({
      ...showDelivery(delivery),
      timeline: timeline.map(showEntry),
      omitted,
    })),
  }
  return `${JSON.stringify(rest).slice(0, -1)},"event":${event.body ?? "null"}}`
}

interface ShownDelivery extends Omit<QueueSummary, "state"> {
  readonly state: (typeof SHOWN_STATES)[number]
}

/** Marks the deliveries that a worker of this instance has. */
function overlaid<Delivery extends QueueSummary>(
  {
    id,
    queues,
    areQueuesKnown,
  }: Pick<EventSummary, "id" | "areQueuesKnown"> & {
    readonly queues: readonly Delivery[]
  },
  running: Running,
) {
  const shown = queues.map((delivery) => {
    const isOpen =
      delivery.state === "waiting" || delivery.state === "retrying" || delivery.state === "unknown"
    const since = isOpen ? running.since(delivery.queue, id) : null
    return since === null ? delivery : { ...delivery, state: "running" as const, since, hasBegun: true }
  })
  return { queues: shown, status: statusOf(shown, areQueuesKnown) }
}

const factsOf = (event: EventSummary): Omit<Summary, "status" | "queues"> => ({
  id: event.id,
  type: event.type,
  name: event.name,
  routing_key: event.routingKey,
  ordering_key: event.orderingKey,
  published_at: inSeconds(event.publishedAt),
  caused_by: event.causedBy,
  trace_id: event.traceId,
})

const showDelivery = (delivery: ShownDelivery): z.infer<typeof DeliverySchema> => ({
  queue: delivery.queue,
  state: delivery.state,
  since: delivery.since / 1_000,
  attempts: delivery.attempts,
  reason: delivery.reason,
  next_attempt_at: inSeconds(delivery.nextAt),
})

function showEntry(entry: TimelineEntry): z.infer<typeof TimelineSchema> {
  const shown = { what: entry.kind, at: entry.at / 1_000 }
  switch (entry.kind) {
    case "attempt":
      return {
        ...shown,
        started_at: entry.startedAt / 1_000,
        duration_ms: entry.durationMs,
        attempt: entry.attempt,
        outcome: entry.outcome,
        reason: entry.reason,
        error: entry.error,
        next_attempt_at: inSeconds(entry.nextAt),
        module: entry.module,
        handler: entry.handler,
        generation: entry.generation,
        replay: entry.replay,
        log: entry.log && showLog(entry.log),
      }
    case "dead-lettered":
      return { ...shown, reason: entry.reason, error: entry.error }
    case "replayed":
      return { ...shown, replay: entry.replay }
    case "redriven":
      return {
        ...shown,
        is_edited: entry.edit !== null,
        ...(entry.edit && { edited_event: eventIn(entry.edit) }),
      }
    default:
      return shown
  }
}

/** An edit came as JSON over HTTP, so its numbers are those of JavaScript. */
const eventIn = ({ body }: EditRecord): unknown => (body === null ? null : JSON.parse(body))

const showLog = ({ lines, omitted = 0 }: AttemptLog): z.infer<typeof LogSchema> => ({
  lines: lines.map(({ at, level, text }) => ({ at: at / 1_000, level, text })),
  omitted,
})

const inSeconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000)
