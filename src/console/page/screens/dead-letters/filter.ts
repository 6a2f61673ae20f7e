import type { Target } from "./bulk-change.ts"
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
  const time = periodOf(period, new Date())
  return (letter) =>
    (reason === "" || letter.reason === reason) &&
    (name === "" || letter.name === name) &&
    (error === "" || letter.error.includes(error)) &&
    (time === null || isWithin(letter.lastFailedAt, time))
}

const isWithin = (at: number | null, { since, until }: { since: number; until: number }): boolean =>
  at !== null && at >= since && at < until

/**
 * Returns what a change of all that the filter shows has to select. The service knows reasons and names, so those also find
 * dead letters that the page has not read; for errors and times the page gives the ids that it has read.
 */
export function targetOf({ reason, name, error, period }: Filter, shown: () => readonly Letter[]): Target {
  if (error !== "" || period !== "all") return targetOfLetters(shown())
  return { kind: "filter", selection: { ...(reason !== "" && { reason }), ...(name !== "" && { name }) } }
}

/** A message without an id can't be selected, so it stays. */
export const targetOfLetters = (letters: readonly Letter[]): Target => ({
  kind: "ids",
  ids: letters.flatMap(({ id }) => id ?? []),
})
