import { crc32 } from "node:zlib"
import * as v from "valibot"
import { EVENT_TYPES } from "../../../event/event-type.ts"
import type { Remembered } from "../../once.ts"

/** A receipt as it is stored. */
export interface ReceiptRow {
  readonly hash: string
  /** On the store's clock, in milliseconds. */
  readonly expiresAt: number
  readonly fingerprint: string | null
  readonly receipt: string | null
}

const ReceiptSchema = v.strictObject({
  id: v.string(),
  type: v.picklist(EVENT_TYPES),
  name: v.string(),
  routing_key: v.string(),
  timestamp: v.number(),
  duplicate: v.exactOptional(v.literal(true)),
})

export function encodeReceipt(hash: string, expiresAt: number, remembered: Remembered): ReceiptRow {
  const { fingerprint, receipt } = remembered
  return { hash, expiresAt, fingerprint, receipt: receipt === null ? null : JSON.stringify(receipt) }
}

/** Returns null for a text that this version can't read. */
export function decodeReceipt({ fingerprint, receipt }: ReceiptRow): Remembered | null {
  if (receipt === null) return { fingerprint, receipt }
  const result = v.safeParse(ReceiptSchema, JSON.parse(receipt))
  return result.success ? { fingerprint, receipt: result.output } : null
}

export const checksumOfReceipt = ({ hash, expiresAt, fingerprint, receipt }: ReceiptRow): number =>
  crc32(`${hash} ${expiresAt} ${fingerprint} ${receipt}`)
