/** A time in which dead letters failed, in seconds since the epoch. `until` is excluded, and infinite if nothing ends it. */
export interface Period {
  readonly since: number
  readonly until: number
}

export const PERIODS = {
  all: "Any time",
  hour: "The last hour",
  today: "Today",
  yesterday: "Yesterday",
  range: "From … to …",
} as const

export type PeriodName = keyof typeof PERIODS

/** A period by its name; the times are those of `range`, and empty if nothing begins or ends it. */
export interface NamedPeriod {
  readonly period: PeriodName
  readonly since: string
  readonly until: string
}

/** Returns a period as it is now, in the zone of the browser; null for any time. */
export function periodOf({ period, since, until }: NamedPeriod, now: Date): Period | null {
  const midnight = (daysAgo: number): number =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysAgo).getTime() / 1_000
  switch (period) {
    case "all":
      return null
    case "hour":
      return { since: now.getTime() / 1_000 - 3_600, until: Number.POSITIVE_INFINITY }
    case "today":
      return { since: midnight(0), until: Number.POSITIVE_INFINITY }
    case "yesterday":
      return { since: midnight(1), until: midnight(0) }
    case "range": {
      const range = {
        since: secondsOf(since) ?? Number.NEGATIVE_INFINITY,
        until: secondsOf(until) ?? Number.POSITIVE_INFINITY,
      }
      return Number.isFinite(range.since) || Number.isFinite(range.until) ? range : null
    }
  }
}

/** Returns the ends of a period that the service has to look at. */
export const endsOf = (period: Period | null): { readonly since?: number; readonly until?: number } => ({
  ...(period !== null && Number.isFinite(period.since) && { since: period.since }),
  ...(period !== null && Number.isFinite(period.until) && { until: period.until }),
})

/** Reads a time of an address, or of a field; null if it is none. While a year is typed it has fewer digits. */
function secondsOf(text: string): number | null {
  const ms = Date.parse(text)
  return Number.isNaN(ms) || ms < 0 ? null : ms / 1_000
}

/** Returns a time of an address as a field for times shows it: in the zone of the browser; empty if it is none. */
export function fieldTimeOf(text: string): string {
  const seconds = secondsOf(text)
  return seconds === null ? "" : fieldTime(seconds)
}

/** Returns a time as a field for times shows it: in the zone of the browser, without it. */
function fieldTime(seconds: number): string {
  const at = new Date(seconds * 1_000)
  const two = (part: number): string => String(part).padStart(2, "0")
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`
  return at.getSeconds() === 0 ? `${day}T${time}` : `${day}T${time}:${two(at.getSeconds())}`
}

/** Returns what a field for times holds as the address keeps it: with a zone, so that it is the same time for everybody. */
export function addressTimeOf(field: string): string {
  const seconds = secondsOf(field)
  return seconds === null ? "" : addressTime(seconds)
}

const addressTime = (seconds: number): string =>
  new Date(Math.floor(seconds) * 1_000).toISOString().replace(".000Z", "Z")

/** Returns the ends of a period as an address keeps them, so that somebody can change one of them. */
export const rangeOf = (period: Period | null): { readonly since: string; readonly until: string } => ({
  since: period !== null && Number.isFinite(period.since) ? addressTime(period.since) : "",
  until: period !== null && Number.isFinite(period.until) ? addressTime(period.until) : "",
})
