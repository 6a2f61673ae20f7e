import { type Backoff, RetryDelays } from "../event/backoff.ts"
import { printFault } from "./output.ts"
import { shown } from "./shown.ts"

/** Waits between requests to a service that starts. */
const BACKOFF: Backoff = { initialMs: 500, factor: 2, maxMs: 4_000 }

/** How long a request is repeated where nothing listens, in milliseconds. A service listens well within a second. */
const LISTEN_PATIENCE_MS = 3_000

/** Wait between such requests, in milliseconds. */
const LISTEN_INTERVAL_MS = 200

/** How a service that starts answers: with this status, and a problem of this type or a health report of this status. */
const UNAVAILABLE = 503
const STARTING = /"type":\s*"urn:event-broker:problem:starting"|"status":\s*"starting"/

/**
 * Repeats a request while the service starts, and says on standard error that it waits. The service has then done nothing,
 * so that any request can be repeated.
 * @param patienceMs how long to repeat it, in milliseconds
 * @returns the answer of the service; after that time, its last refusal
 */
export async function whenStarted(request: () => Promise<Response>, patienceMs: number): Promise<Response> {
  const delays = new RetryDelays(BACKOFF)
  const deadline = performance.now() + patienceMs
  for (let isTold = false; ; isTold = true) {
    const response = await request()
    if (!(await isStarting(response))) return response
    const waitMs = Math.max(delays.next(), retryAfterMs(response))
    if (performance.now() + waitMs > deadline) return response
    if (!isTold) printFault(shown`the service is still starting; ${describeWait(patienceMs)}`)
    await Bun.sleep(waitMs)
  }
}

/**
 * Repeats a request while nothing listens at the address, because the service may have been started just before. Says on
 * standard error that it waits, so that a wrong address is seen at once.
 * @param isRefused returns whether the error of a request means that nothing listens
 * @param url as messages show it
 */
export async function whenListening(
  request: () => Promise<Response>,
  isRefused: (error: unknown) => boolean,
  url: string,
): Promise<Response> {
  const deadline = performance.now() + LISTEN_PATIENCE_MS
  for (let isTold = false; ; isTold = true) {
    try {
      return await request()
    } catch (error) {
      if (!isRefused(error) || performance.now() + LISTEN_INTERVAL_MS > deadline) throw error
    }
    if (!isTold) printFault(shown`nothing listens at ${url} yet; ${describeWait(LISTEN_PATIENCE_MS)}`)
    await Bun.sleep(LISTEN_INTERVAL_MS)
  }
}

const describeWait = (patienceMs: number): string =>
  `waiting ${Number.isFinite(patienceMs) ? `up to ${patienceMs / 1_000} s` : "until it is ready"}`

const isStarting = async (response: Response): Promise<boolean> =>
  response.status === UNAVAILABLE && STARTING.test(await response.clone().text())

/** Returns the wait that the service asks for, in milliseconds; 0 if it asks for none. */
function retryAfterMs({ headers }: Response): number {
  const seconds = Number(headers.get("Retry-After"))
  return Number.isFinite(seconds) ? seconds * 1_000 : 0
}
