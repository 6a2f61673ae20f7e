const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })
const RATE = new Intl.NumberFormat("en", { maximumFractionDigits: 1 })

/** Writes a whole number with separators: 12,345. */
export const whole = (value: number): string => WHOLE.format(value)

/** Writes a rate: whole from 10 on, with one digit below. */
export const rate = (value: number): string => (value >= 10 ? WHOLE : RATE).format(value)

/** Writes a number of things: `1 event`, `2,000 events`. */
export const counted = (count: number, singular: string, plural = `${singular}s`): string =>
  `${whole(count)} ${count === 1 ? singular : plural}`

export function percent(part: number, all: number): string {
  return all === 0 ? "0 %" : `${Math.round((part / all) * 100)} %`
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"]

/** Writes a size: `512 B`, `1.5 MiB`, `340 MiB`. */
export function bytes(value: number): string {
  let size = value
  let unit = 0
  for (; size >= 1_024 && unit < UNITS.length - 1; unit++) size /= 1_024
  return `${rate(size)} ${UNITS[unit]}`
}

/** Writes a share of a whole, such as of a core: `0.4 %`, `12 %`. */
export const share = (value: number): string => `${rate(value * 100)} %`
