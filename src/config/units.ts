/** Units of numbers, and their names in a sentence; null for a number that counts nothing. */
export const UNITS = {
  none: null,
  milliseconds: "milliseconds",
  bytes: "bytes",
  events: "events",
  workers: "workers",
  deliveries: "deliveries",
  hops: "hops",
  requests: "requests per second",
} as const satisfies Record<string, string | null>

export type Unit = keyof typeof UNITS

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

export const KIBIBYTE = 1_024
export const MEBIBYTE = 1_024 * KIBIBYTE
const GIBIBYTE = 1_024 * MEBIBYTE

/** Larger names of amounts, from the largest down. A day is `24 hours`, because that is what people configure. */
const LARGER: Readonly<
  Partial<Record<Unit, readonly (readonly [size: number, from: number, name: string])[]>>
> = {
  milliseconds: [
    [DAY_MS, 2 * DAY_MS, "days"],
    [HOUR_MS, 2 * HOUR_MS, "hours"],
    [MINUTE_MS, 2 * MINUTE_MS, "minutes"],
    [SECOND_MS, SECOND_MS, "seconds"],
  ],
  bytes: [
    [GIBIBYTE, GIBIBYTE, "GiB"],
    [MEBIBYTE, MEBIBYTE, "MiB"],
    [KIBIBYTE, KIBIBYTE, "KiB"],
  ],
}

/** Writes a number as a variable takes it, with a larger unit beside it if that is a whole number: `86400000 (24 hours)`. */
export function readableAmount(amount: number, unit: Unit): string {
  const larger = LARGER[unit]?.find(([size, from]) => amount >= from && amount % size === 0)
  if (larger === undefined) return String(amount)
  const [size, , name] = larger
  const count = amount / size
  return `${amount} (${count} ${count === 1 ? name.replace(/s$/, "") : name})`
}

/** Thousands and millions, as people write them behind a number of things. */
const COUNTED = [
  [1_000, /^k$/i],
  [1_000_000, /^m$/i],
] as const

/** Sizes of units, with the names that people write behind a number. */
const WRITTEN: Readonly<Partial<Record<Unit, readonly (readonly [size: number, names: RegExp])[]>>> = {
  milliseconds: [
    [1, /^(ms|milliseconds?)$/i],
    [SECOND_MS, /^(s|secs?|seconds?)$/i],
    [MINUTE_MS, /^(m|mins?|minutes?)$/i],
    [HOUR_MS, /^(h|hours?)$/i],
    [DAY_MS, /^(d|days?)$/i],
  ],
  bytes: [
    [1, /^(b|bytes?)$/i],
    [KIBIBYTE, /^ki?b?$/i],
    [MEBIBYTE, /^mi?b?$/i],
    [GIBIBYTE, /^gi?b?$/i],
  ],
  events: COUNTED,
  deliveries: COUNTED,
  requests: COUNTED,
}

const AMOUNT = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i

/** Returns the whole number that a text such as `5s`, `10 s`, `64MB` or `1_000` probably means; null if it is none. */
export function amountMeant(text: string, unit: Unit): number | null {
  const [, count = "", written = ""] = AMOUNT.exec(text.trim().replaceAll("_", "")) ?? []
  const size = written === "" ? 1 : WRITTEN[unit]?.find(([, names]) => names.test(written))?.[0]
  const amount = count === "" || size === undefined ? null : Number(count) * size
  return Number.isSafeInteger(amount) ? amount : null
}
