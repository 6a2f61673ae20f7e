import type { OpenStore } from "../store/database.ts"
import { readStoreMark } from "../store/store-mark.ts"

/**
 * Returns a sentence for the operator if confirmed turns are missing in a store that was just opened;
 * otherwise null.
 */
export function explainLostTurns(dataDir: string, { storeId, turn }: OpenStore): string | null {
  const mark = readStoreMark(dataDir)
  if (mark === null || mark.storeId !== storeId || mark.turn <= turn) return null
  const lost = mark.turn - turn
  return (
    `the last ${lost} commits of the store are missing, including confirmed events: ` +
    `its log was damaged or removed, or an older copy replaced the store; the service continues with what is left`
  )
}
