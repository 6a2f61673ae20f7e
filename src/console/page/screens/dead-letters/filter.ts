import type { Selection } from "../../api/calls.ts"
import { exactDay } from "../../format/time.ts"
import type { Letter } from "./letters.ts"
import { endsOf, type NamedPeriod, PERIODS, type Period, type PeriodName } from "./periods.ts"

/** Filter of the screen of dead letters; empty texts filter nothing. */
export interface Filter extends NamedPeriod {
  readonly reason: string
  readonly name: string
  /** Part of the error. */
  readonly error: string
}

export function filterOf(query: URLSearchParams): Filter {
  const period = query.get("period") ?? ""
  return {
    reason: query.get("reason") ?? "",
    name: query.get("name") ?? "",
    error: query.get("error") ?? "",
    period: Object.hasOwn(PERIODS, period) ? (period as PeriodName) : "all",
    since: query.get("since") ?? "",
    until: query.get("until") ?? "",
  }
}

/** Returns a function that says whether a dead letter matches, apart from its time: those of other times are not read. */
export const matcherOf =
  ({ reason, name, error }: Filter): ((letter: Letter) => boolean) =>
  (letter) =>
    (reason === "" || letter.reason === reason) &&
    (name === "" || letter.name === name) &&
    (error === "" || letter.error.includes(error))

/** Returns what selects on the service all that the filter shows, also what the page has not read. @param period as it was when the page read */
export const selectionOf = ({ reason, name, error }: Filter, period: Period | null): Selection => ({
  ...(reason !== "" && { reason }),
  ...(name !== "" && { name }),
  ...(error !== "" && { error }),
  ...endsOf(period),
})

/** Returns what selects a group within a filter. */
export const selectionOfGroup = (
  filter: Filter,
  period: Period | null,
  { reason, error }: Pick<Letter, "reason" | "error">,
): Selection => ({
  ...selectionOf(filter, period),
  reason,
  whole_error: error,
})

/** Says in words what the filter selects, behind "dead letters"; empty if it selects all. */
export function describeFilter({ reason, name, error }: Filter, period: Period | null): string {
  const parts = [
    reason === "" ? null : `with the reason ${reason}`,
    name === "" ? null : `of events ${name}`,
    error === "" ? null : `whose error contains “${error}”`,
    period === null ? null : `that failed ${describePeriod(period)}`,
  ].filter((part) => part !== null)
  return parts.join(", ")
}

/** Says in words when a period is, to the second, in the zone of the browser. */
export function describePeriod({ since, until }: Period): string {
  if (!Number.isFinite(until)) return `since ${exactDay(since)}`
  if (!Number.isFinite(since)) return `before ${exactDay(until)}`
  return `from ${exactDay(since)} to ${exactDay(until)}`
}
