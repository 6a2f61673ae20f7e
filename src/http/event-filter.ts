import { z } from "@hono/zod-openapi"
import { EVENT_TYPES } from "../event/event-type.ts"
import type { RoutingSpace } from "../event/routing-space.ts"
import { DELIVERY_STATES, EVENT_STATUSES } from "../history/delivery-state.ts"
import type { EventFilter } from "../history/history-query.ts"
import { timeParameter } from "./time-parameter.ts"

/** How the parameters of a filter are parsed. */
export const FILTER_KINDS = { type: "list", name: "list", queue: "list", state: "list" } as const

/** Most values of one parameter. */
const MAX_VALUES = 100

/** Longest value, in characters. */
const MAX_LENGTH = 1_024

const text = z
  .string("must be a string")
  .min(1, "must have at least 1 character")
  .max(MAX_LENGTH, `must have at most ${MAX_LENGTH} characters`)

const list = <Schema extends z.ZodType>(item: Schema, description: string) =>
  z
    .array(item)
    .min(1)
    .max(MAX_VALUES, `must be at most ${MAX_VALUES} values`)
    .openapi({ description })
    .optional()

const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `must be one of ${values.join(", ")}` })

/** The parameters that select events of the history. */
export const FILTER_PARAMETERS = {
  type: list(oneOf(EVENT_TYPES), "Events of these types."),
  name: list(text, "Events with these names."),
  queue: list(text, "Events that these queues received. With `state`: events in that state on one of them."),
  state: list(oneOf(DELIVERY_STATES), "Events in one of these states on a queue."),
  status: oneOf(EVENT_STATUSES)
    .openapi({ description: "Events with this status over all queues." })
    .optional(),
  since: timeParameter("Events published at this time or later"),
  until: timeParameter("Events published before this time"),
  ordering_key: text.openapi({ description: "Events with this ordering key." }).optional(),
  trace: text.openapi({ description: "Events of this trace: its id." }).optional(),
  caused_by: text
    .openapi({ description: "Events that a handler of this event published: its id." })
    .optional(),
  text: text
    .openapi({
      description: "Events whose payload's JSON contains this text, in upper and lower case as given.",
    })
    .optional(),
}

const { type, name, queue, state, ...single } = FILTER_PARAMETERS

/** The same filters as fields of a JSON object. */
export const FILTER_FIELDS = { types: type, names: name, queues: queue, states: state, ...single }

const ParametersSchema = z.strictObject(FILTER_PARAMETERS)
const FieldsSchema = z.strictObject(FILTER_FIELDS)

/** Returns what the parameters of a query select, limited to the events that a key may reach. */
export function filterOf(
  { type: types, name: names, queue: queues, state: states, ...rest }: z.output<typeof ParametersSchema>,
  reach: RoutingSpace | null,
): EventFilter {
  return filterOfFields({ ...rest, types, names, queues, states }, reach)
}

/** Returns what the fields of a body select, limited to the events that a key may reach. */
export const filterOfFields = (
  { ordering_key: orderingKey, caused_by: causedBy, ...rest }: z.output<typeof FieldsSchema>,
  reach: RoutingSpace | null,
): EventFilter => ({ ...rest, orderingKey, causedBy, ...(reach !== null && { within: reach }) })
