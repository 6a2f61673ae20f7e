import { type Backoff, RetryDelays } from "../event/backoff.ts"
import { isConnectionLoss } from "../telemetry/network-fault.ts"
import type { Answer } from "./foreign-answer.ts"
import { printFault } from "./output.ts"
import { CommandError, type ServiceClient, UnreachableError } from "./service-client.ts"
import { shown } from "./shown.ts"

/** Waits between requests after a connection was lost. */
const BACKOFF: Backoff = { initialMs: 200, factor: 2, maxMs: 2_000 }

/** How long a request is repeated, in milliseconds. A service restarts within seconds. */
const PATIENCE_MS = 15_000

/** The problems of a service that recognizes no repetitions, and of one that still works on the first request. */
const IS_OFF = /"type":\s*"urn:event-broker:problem:idempotency-off"/
const IS_IN_FLIGHT = /"type":\s*"urn:event-broker:problem:idempotency-key-in-flight"/

/** The body of a request, as text. */
export interface Body {
  readonly type: string
  readonly text: string
}

/** An answer whose text was read. */
export interface ReadAnswer extends Answer {
  readonly response: Response
}

/** Makes the value of the header Idempotency-Key: a string in quotes. */
export const quotedKey = (key: string): string => `"${key.replaceAll(/["\\]/g, "\\$&")}"`

/**
 * Sends a request that publishes. If the connection is lost before the answer, sends it again with the same idempotency key,
 * so that nothing is stored twice. A service that recognizes no repetitions gets it once, without a key.
 * @param key the key that the user gave; undefined for a new one
 * @returns any answer. Rejects with a `CommandError` if there is none; if events may be stored, its message has the key.
 */
export async function sendOnce(
  client: ServiceClient,
  path: string,
  { type, text: body }: Body,
  key: string | undefined,
): Promise<ReadAnswer> {
  const ownKey = key ?? Bun.randomUUIDv7()
  const delays = new RetryDelays(BACKOFF)
  const deadline = performance.now() + PATIENCE_MS
  let hasKey = true
  let isLost = false
  for (;;) {
    try {
      const headers = { "Content-Type": type, ...(hasKey && { "Idempotency-Key": quotedKey(ownKey) }) }
      const response = await client.sendAnyway(path, { method: "POST", headers, body })
      const text = await response.text()
      const isOff = hasKey && key === undefined && !isLost && IS_OFF.test(text)
      const isInFlight = isLost && IS_IN_FLIGHT.test(text) && performance.now() < deadline
      if (!isOff && !isInFlight) return { status: response.status, headers: response.headers, text, response }
      if (isOff) {
        hasKey = false
        continue
      }
    } catch (error) {
      if (!hasKey || !mayBeStored(error, isLost)) throw error
      if (performance.now() > deadline) throw withKey(error, ownKey)
      if (!isLost) printFault(shown`the connection to the service was lost; sending the request again`)
      isLost = true
    }
    await Bun.sleep(delays.next())
  }
}

/** Returns whether a request may have arrived. Once a connection was lost, nothing may listen while the service restarts. */
const mayBeStored = (error: unknown, wasLost: boolean): boolean =>
  error instanceof UnreachableError ? wasLost || error.isLoss : isConnectionLoss(error)

function withKey(error: unknown, key: string): unknown {
  if (!(error instanceof CommandError)) return error
  const advice = `events may be stored; to publish without storing them twice, add --idempotency-key ${key}`
  return new CommandError(`${error.message}\n${advice}`, error.exitCode)
}
