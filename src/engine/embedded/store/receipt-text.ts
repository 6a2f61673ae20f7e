import * as v from "valibot"
import { EVENT_TYPES } from "../../../event/event-type.ts"
import type { Remembered } from "../../once.ts"

const ReceiptSchema = v.strictObject({
  id: v.string(),
  type: v.picklist(EVENT_TYPES),
  name: v.string(),
  routing_key: v.string(),
  timestamp: v.number(),
  duplicate: v.exactOptional(v.literal(true)),
})

/** Reads what is stored for a mark. Returns null if it is damaged: the event is then stored again, rather than never. */
export function decodeReceipt(row: {
  readonly fingerprint: string | null
  readonly receipt: string | null
}): Remembered | null {
  const { fingerprint, receipt } = row
  if (receipt === null) return { fingerprint, receipt }
  try {
    const result = v.safeParse(ReceiptSchema, JSON.parse(receipt))
    return result.success ? { fingerprint, receipt: result.output } : null
  } catch {
    // Not JSON, so it is damaged.
    return null
  }
}
