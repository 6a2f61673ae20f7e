/** A time in which dead letters failed, in seconds since the epoch. */
export interface Period {
  readonly since: number
  readonly until: number
}

export const PERIODS = {
  all: "Any time",
  hour: "The last hour",
  today: "Today",
  yesterday: "Yesterday",
} as const

/** Periods, behind "that failed". */
export const PERIOD_WORDS = {
  hour: "in the last hour",
  today: "today",
  yesterday: "yesterday",
} as const

export type PeriodName = keyof typeof PERIODS

/** Returns a period as it is now, in the zone of the browser; null for any time. */
export function periodOf(name: PeriodName, now: Date): Period | null {
  const midnight = (daysAgo: number): number =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysAgo).getTime() / 1_000
  switch (name) {
    case "all":
      return null
    case "hour":
      return { since: now.getTime() / 1_000 - 3_600, until: Number.POSITIVE_INFINITY }
    case "today":
      return { since: midnight(0), until: Number.POSITIVE_INFINITY }
    case "yesterday":
      return { since: midnight(1), until: midnight(0) }
  }
}
