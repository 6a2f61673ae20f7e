/** Units, from the longest, with their length in seconds. */
const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
] as const

/**
 * Returns an age as one number with its unit, rounded down, such as `42s`, `5m`, `3h` or `2d`; `-` for 0.
 * @param seconds null if it is unknown, which is shown as `?`
 */
export function ageText(seconds: number | null): string {
  if (seconds === null) return "?"
  if (seconds === 0) return "-"
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) ?? ["s", 1]
  return `${Math.floor(seconds / length)}${unit}`
}
