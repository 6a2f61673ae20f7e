/** Part of the backlog left when measuring starts; before that, and at the end, the rate is not steady. */
const MEASURED_FROM = 0.8
export const MEASURED_TO = 0.1

const POLL_MS = 20

/**
 * Returns how many events per second are taken from a backlog of this size; `depth` returns the number left.
 */
export async function drainRate(size: number, depth: () => Promise<number>): Promise<number> {
  const [from, before] = await waitUntilBelow(size * MEASURED_FROM, depth)
  const [to, left] = await waitUntilBelow(size * MEASURED_TO, depth)
  return Math.round(((before - left) / (to - from)) * 1_000)
}

async function waitUntilBelow(
  count: number,
  depth: () => Promise<number>,
): Promise<[time: number, depth: number]> {
  while (true) {
    const left = await depth()
    if (left < count) return [performance.now(), left]
    await Bun.sleep(POLL_MS)
  }
}
