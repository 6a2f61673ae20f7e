import type { SQLQueryBindings } from "bun:sqlite"
import {
  type DeliveryState,
  type EventStatus,
  FIRST_FAILED,
  STATE,
  STORED_STATES,
  UNCONFIRMED,
} from "./delivery-state.ts"
import type { EventFilter } from "./history-query.ts"
import { SOURCE } from "./history-tables.ts"
import { BODY_JSON } from "./stored-body.ts"

/** A condition on the columns of `events`, with the values of its parameters. */
export interface Condition {
  readonly sql: string
  readonly values: readonly SQLQueryBindings[]
}

/** An index that finds the events of a filter without looking at others. */
export type Driver = "caused_by" | "trace_id" | "ordering_key" | "failed" | null

const FIRST_FAILED_STATES: ReadonlySet<DeliveryState> = new Set(STORED_STATES.slice(FIRST_FAILED))

/** Returns the index that leaves the fewest events to look at. */
export function driverOf({ causedBy, trace, orderingKey, states, status }: EventFilter): Driver {
  if (causedBy !== undefined) return "caused_by"
  if (trace !== undefined) return "trace_id"
  if (orderingKey !== undefined) return "ordering_key"
  const isFailed = status === "failed" || (states?.every((state) => FIRST_FAILED_STATES.has(state)) ?? false)
  return isFailed ? "failed" : null
}

/** Names the table, because `json_each` has a column `type`, too. */
const ROUTING_KEY = "coalesce(events.routing_key, 'events.' || events.type || '.' || events.name)"

/** The deliveries of the event in question. As a part of a condition, the view would be read as a whole. */
const ITS_DELIVERIES = `SELECT 1 FROM (
  SELECT queue, state, reason, timeline FROM deliveries WHERE event = events.seq
  UNION ALL
  SELECT queue, ${STATE.waiting}, NULL, '' FROM queue_sets WHERE id = events.queue_set AND NOT EXISTS (
    SELECT 1 FROM deliveries WHERE deliveries.event = events.seq AND deliveries.queue = queue_sets.queue
  ))`

const IS_KNOWN = `source <> ${SOURCE.unknown}`

/** The number of a state, or the reason why it is unknown. */
const STATE_COLUMN = `iif(state = ${STATE.waiting} AND reason IS NOT NULL, reason, state)`

/** See `statusOf`. */
const STATUS: Readonly<Record<EventStatus, string>> = {
  pending: `NOT EXISTS (${ITS_DELIVERIES} WHERE (state <> ${STATE.waiting} OR timeline <> ''))`,
  processing: `EXISTS (${ITS_DELIVERIES} WHERE state < ${STATE.handled})
    AND EXISTS (${ITS_DELIVERIES} WHERE (state <> ${STATE.waiting} OR timeline <> ''))`,
  completed: `${IS_KNOWN} AND EXISTS (${ITS_DELIVERIES}) AND NOT EXISTS (${ITS_DELIVERIES} WHERE state <> ${STATE.handled})`,
  failed: `${IS_KNOWN} AND EXISTS (${ITS_DELIVERIES} WHERE state >= ${FIRST_FAILED})
    AND NOT EXISTS (${ITS_DELIVERIES} WHERE state < ${STATE.handled})`,
  unknown: `source = ${SOURCE.unknown} AND NOT EXISTS (${ITS_DELIVERIES} WHERE state < ${STATE.handled})`,
}

const oneOf = (column: string): string => `${column} IN (SELECT value FROM json_each(?))`

/** Returns the condition that events of a filter meet. The cheapest parts come first. */
export function conditionOf(filter: EventFilter): Condition {
  const { types, names, queues, states, status, since, until, within, text } = filter
  const parts: string[] = []
  const values: SQLQueryBindings[] = []
  const add = (sql: string, ...bound: readonly SQLQueryBindings[]): void => {
    parts.push(`(${sql})`)
    values.push(...bound)
  }
  if (filter.causedBy !== undefined) add("caused_by = ?", filter.causedBy)
  if (filter.trace !== undefined) add("trace_id = ?", filter.trace)
  if (filter.orderingKey !== undefined) add("ordering_key = ?", filter.orderingKey)
  if (since !== undefined) add("at >= ?", since)
  if (until !== undefined) add("at < ?", until)
  if (types !== undefined) add(oneOf("type"), JSON.stringify(types))
  if (names !== undefined) add(oneOf("events.name"), JSON.stringify(names))
  if (within !== undefined) add(WITHIN, JSON.stringify(within))
  if (queues !== undefined || states !== undefined) add(...deliveryCondition(queues, states))
  if (status !== undefined) add(STATUS[status])
  if (text !== undefined) add(...textCondition(text))
  return { sql: parts.length === 0 ? "TRUE" : parts.join(" AND "), values }
}

/** See `isWithin`. */
const WITHIN = `EXISTS (SELECT 1 FROM json_each(?) AS root
  WHERE ${ROUTING_KEY} = root.value OR substr(${ROUTING_KEY}, 1, length(root.value) + 1) = root.value || '.')`

function deliveryCondition(
  queues: EventFilter["queues"],
  states: EventFilter["states"],
): [sql: string, ...values: string[]] {
  const parts: string[] = []
  const values: string[] = []
  if (queues !== undefined) {
    parts.push("queue IN (SELECT queues.id FROM json_each(?) JOIN queues ON queues.name = value)")
    values.push(JSON.stringify(queues))
  }
  if (states !== undefined) {
    parts.push(oneOf(STATE_COLUMN))
    values.push(JSON.stringify(states.map((state) => (state === "unknown" ? UNCONFIRMED : STATE[state]))))
  }
  return [`EXISTS (${ITS_DELIVERIES} WHERE ${parts.join(" AND ")})`, ...values]
}

/** Finds a text in the payload, as it is there or escaped. The whole body is searched first, because that needs no parsing. */
function textCondition(text: string): [sql: string, ...values: string[]] {
  const escaped = JSON.stringify(text).slice(1, -1)
  const inBody = "(instr(body, ?) > 0 OR instr(body, ?) > 0)"
  const inPayload = inBody.replaceAll("body", `${BODY_JSON} -> '$.payload'`)
  const sql = `CASE WHEN body IS NULL OR NOT ${inBody} THEN FALSE WHEN json_valid(${BODY_JSON}) THEN ${inPayload} ELSE FALSE END`
  return [sql, text, escaped, text, escaped]
}
