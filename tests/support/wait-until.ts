/** Far longer than anything here takes: it ends a hanging test, and measures nothing. */
const BOUND_MS = 40_000

const POLL_INTERVAL_MS = 2

/**
 * Waits for a condition. Fails with `what`, which names the condition. A condition that loads the tested
 * service is checked less often.
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
