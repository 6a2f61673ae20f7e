/** RFC 3339, section 5.6. */
const TIMESTAMP = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

const DAY = /^(\d{4})-(\d\d)-(\d\d)/

/** Reads a timestamp of RFC 3339. Returns milliseconds since the epoch, or NaN if the text is none. */
export const timestampMs = (text: string): number =>
  TIMESTAMP.test(text) && beginsWithDay(text) ? Date.parse(text) : Number.NaN

/**
 * Tells whether a text begins with a day that the calendar has, such as 2026-02-28. `Date.parse` reads February 30 as
 * March 2.
 */
export function beginsWithDay(text: string): boolean {
  const [, year, month, day] = DAY.exec(text) ?? []
  if (year === undefined) return false
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  return date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day)
}
