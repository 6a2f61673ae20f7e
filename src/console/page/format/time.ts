const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const EXACT = new Intl.DateTimeFormat("sv-SE", {
  dateStyle: "short",
  timeStyle: "medium",
})

/** Writes a time of day with its date, to the millisecond, in the zone of the browser. @param seconds since the epoch */
export function exactTime(seconds: number): string {
  const ms = Math.floor(seconds * 1_000)
  return `${EXACT.format(ms)}.${String(((ms % 1_000) + 1_000) % 1_000).padStart(3, "0")}`
}

/** Writes a time of day with its date, to the second, in the zone of the browser. @param seconds since the epoch */
export const exactDay = (seconds: number): string => EXACT.format(Math.floor(seconds) * 1_000)

/** Writes a length of time with one unit: 340 ms, 12 s, 5 min, 3 h, 2 d. */
export function lengthOf(seconds: number): string {
  if (seconds < 0.001) return "< 1 ms"
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h`
  return `${Math.floor(seconds / DAY)} d`
}

/** Writes a time as seen from now: `12 s ago`, `in 5 min`, `now`. */
export function relativeTime(seconds: number, now: number): string {
  const passed = now - seconds
  if (Math.abs(passed) < 1) return "now"
  if (passed < 0) return `in ${lengthOf(Math.ceil(-passed))}`
  return `${lengthOf(Math.max(1, Math.floor(passed))).replace(".0", "")} ago`
}
