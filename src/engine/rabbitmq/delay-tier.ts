/** The longest delay, in milliseconds: a year. What is longer is cut. */
const MAX_DELAY_MS = 365 * 86_400_000

/** The steps within each power of ten. A delay is made longer by less than a half, to keep the queues few. */
const STEPS = [1, 1.5, 2, 3, 4, 5, 7]

/**
 * The delay of the tier for a retry, in milliseconds: the first that is not shorter, so that no retry comes
 * early. 0 is no tier: straight back to the queue. All messages of a tier wait equally long; a queue with
 * mixed delays would keep the short ones waiting behind the long ones at its head.
 */
export function tierOf(delayMs: number): number {
  if (!(delayMs > 0)) return 0
  const bounded = Math.min(delayMs, MAX_DELAY_MS)
  for (let scale = 10; ; scale *= 10) {
    const step = STEPS.find((each) => each * scale >= bounded)
    if (step !== undefined) return step * scale
  }
}

/** The delays of all tiers that a queue may have, in milliseconds, the shortest first. */
export function* tierDelays(): Generator<number> {
  const longest = tierOf(MAX_DELAY_MS)
  for (let tier = tierOf(1); tier <= longest; tier = tierOf(tier + 1)) {
    yield tier
    if (tier === longest) return
  }
}
