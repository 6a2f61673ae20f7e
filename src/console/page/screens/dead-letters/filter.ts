import type { Selection } from "../../api/calls.ts"
import { now } from "../../state/clock.ts"
import type { Letter } from "./letters.ts"
import { PERIODS, type PeriodName, periodOf } from "./periods.ts"

/** Filter of the screen of dead letters; empty texts filter nothing. */
export interface Filter {
  readonly reason: string
  readonly name: string
  /** Part of the error. */
  readonly error: string
  readonly period: PeriodName
}

export function filterOf(query: URLSearchParams): Filter {
  const period = query.get("period") ?? ""
  return {
    reason: query.get("reason") ?? "",
    name: query.get("name") ?? "",
    error: query.get("error") ?? "",
    period: Object.hasOwn(PERIODS, period) ? (period as PeriodName) : "all",
  }
}

/** Returns a function that says whether a dead letter matches. Periods are as they are now. */
export function matcherOf({ reason, name, error, period }: Filter): (letter: Letter) => boolean {
  const time = periodOf(period, new Date(now() * 1_000))
  return (letter) =>
    (reason === "" || letter.reason === reason) &&
    (name === "" || letter.name === name) &&
    (error === "" || letter.error.includes(error)) &&
    (time === null || isWithin(letter.lastFailedAt, time))
}

const isWithin = (at: number | null, { since, until }: { since: number; until: number }): boolean =>
  at !== null && at >= since && at < until

/** Returns what selects on the service all that the filter shows, also what the page has not read. Periods are as they are now. */
export function selectionOf({ reason, name, error, period }: Filter): Selection {
  const { since, until } = periodOf(period, new Date(now() * 1_000)) ?? {}
  return {
    ...(reason !== "" && { reason }),
    ...(name !== "" && { name }),
    ...(error !== "" && { error }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && Number.isFinite(until) && { until }),
  }
}

/** Returns what selects a group within a filter. */
export const selectionOfGroup = (
  filter: Filter,
  { reason, error }: Pick<Letter, "reason" | "error">,
): Selection => ({
  ...selectionOf(filter),
  reason,
  whole_error: error,
})
