import type { OpenStore } from "./database.ts"
import { readStoreMark } from "./store-mark.ts"

/** A sentence for the operator if confirmed turns are missing in a store that was just opened; null if none are. */
export function explainLostTurns(dataDir: string, { storeId, turn }: OpenStore): string | null {
  const mark = readStoreMark(dataDir)
  if (mark === null || mark.storeId !== storeId || mark.turn <= turn) return null
  const lost = mark.turn - turn
  return (
    `the last ${lost} commits of the store are missing, and with them events that were confirmed: ` +
    `its log was damaged or removed, or an older copy was put in its place; what is left is handled`
  )
}
