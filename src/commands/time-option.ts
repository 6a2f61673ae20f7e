import { InvalidArgumentError, Option } from "commander"
import { beginsWithDay } from "../event/timestamp-text.ts"

/** Lengths of units of time, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** An option that takes a time, or how long ago it was. Its value is a time as the service takes it. */
export const timeOption = (flags: string, description: string): Option =>
  new Option(
    flags,
    `${description}: 15m, 2h or 3d ago, seconds since the epoch, or an RFC 3339 time`,
  ).argParser(readTime)

function readTime(text: string): string {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  const factor = UNITS[unit]
  if (factor !== undefined) return new Date(Date.now() - Number(amount) * factor).toISOString()
  if (/^\d{9,}(\.\d+)?$/.test(text)) return text
  const at = Date.parse(text)
  if (beginsWithDay(text) && !Number.isNaN(at)) return new Date(at).toISOString()
  throw new InvalidArgumentError(
    "It takes a time before now, such as 15m, 2h or 3d, seconds since the epoch, or an RFC 3339 time.",
  )
}
