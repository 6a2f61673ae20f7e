import { z } from "@hono/zod-openapi"
import { isTimestampMs } from "../event/envelope.ts"
import { beginsWithDay, timestampMs } from "../event/timestamp-text.ts"

/** A day stands for its begin in UTC. */
const DAY = /^\d{4}-\d\d-\d\d$/

/** A time in a query or a body, or none. Its output is in milliseconds since the epoch. */
export const timeParameter = (description: string) =>
  z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const ms = msOf(value)
      if (!Number.isNaN(ms)) return ms
      const message = "must be seconds since the epoch, an RFC 3339 time, or a day such as 2026-02-28"
      context.addIssue({ code: "custom", message })
      return z.NEVER
    })
    .openapi({
      type: "string",
      description: `${description}: seconds since the epoch, an RFC 3339 time, or a day, which begins at midnight UTC.`,
    })
    .optional()

/** Returns milliseconds since the epoch, or NaN. */
function msOf(value: string | number): number {
  if (typeof value === "number" || /^\d+(\.\d+)?$/.test(value)) {
    const ms = Math.round(Number(value) * 1_000)
    return isTimestampMs(ms) ? ms : Number.NaN
  }
  return DAY.test(value) && beginsWithDay(value) ? Date.parse(value) : timestampMs(value)
}
