import { type Backoff, RetryDelays } from "../event/backoff.ts"
import { printFault } from "./output.ts"
import { shown } from "./shown.ts"

/** Waits between requests to a service that starts. */
const BACKOFF: Backoff = { initialMs: 500, factor: 2, maxMs: 4_000 }

/** The status and the type of the problem with which a service that starts refuses a request. */
const UNAVAILABLE = 503
const STARTING = /"type":\s*"urn:event-broker:problem:starting"/

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
    if (!isTold) printFault(shown`${describeWait(patienceMs)}`)
    await Bun.sleep(waitMs)
  }
}

const describeWait = (patienceMs: number): string =>
  `the service is still starting; waiting ${Number.isFinite(patienceMs) ? `up to ${patienceMs / 1_000} s` : "until it is ready"}`

const isStarting = async (response: Response): Promise<boolean> =>
  response.status === UNAVAILABLE && STARTING.test(await response.clone().text())

/** Returns the wait that the service asks for, in milliseconds; 0 if it asks for none. */
function retryAfterMs({ headers }: Response): number {
  const seconds = Number(headers.get("Retry-After"))
  return Number.isFinite(seconds) ? seconds * 1_000 : 0
}
