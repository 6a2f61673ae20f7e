/** Far beyond what anything here takes: it ends a test that would hang, and measures nothing. */
const BOUND_MS = 40_000

const POLL_INTERVAL_MS = 2

/**
 * Waits for a condition; fails with `what`, the thing that did not happen. A condition that costs the tested service
 * something is looked at more seldom.
 */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  what: string,
  boundMs = BOUND_MS,
  intervalMs = POLL_INTERVAL_MS,
): Promise<void> {
  const givenUpAt = Date.now() + boundMs
  while (!(await condition())) {
    if (Date.now() > givenUpAt) throw new Error(`did not happen within ${boundMs} ms: ${what}`)
    await Bun.sleep(intervalMs)
  }
}
