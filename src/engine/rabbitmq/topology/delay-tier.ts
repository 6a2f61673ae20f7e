import { MAX_STORED_DELAY_MS, storableDelay } from "../../../event/retry-bounds.ts"

/**
 * Steps within each power of ten. Rounding up extends a delay by less than half, which keeps the number of
 * queues small.
 */
const STEPS = [1, 1.5, 2, 3, 4, 5, 7]

/**
 * Returns the delay of a retry's tier, in milliseconds: the shortest one that is not shorter than the delay,
 * so that no retry comes early. 0 means no tier: straight back to the queue. All messages of a tier wait
 * equally long; in a queue with mixed delays, short ones would wait behind long ones.
 */
export function tierOf(delayMs: number): number {
  const bounded = storableDelay(delayMs)
  if (bounded === 0) return 0
  for (let scale = 10; ; scale *= 10) {
    const step = STEPS.find((each) => each * scale >= bounded)
    if (step !== undefined) return step * scale
  }
}

/** The delays of all tiers that a queue may have, in milliseconds, the shortest first. */
export function* tierDelays(): Generator<number> {
  const longest = tierOf(MAX_STORED_DELAY_MS)
  for (let tier = tierOf(1); tier <= longest; tier = tierOf(tier + 1)) {
    yield tier
    if (tier === longest) return
  }
}
