import type { ServiceClient } from "./service-client.ts"

/** The route that describes a service. */
const SERVICE_INFO = "/"

/**
 * Returns the idempotency key for an upload: a new one, or null if the service recognizes no repetitions. An upload can't
 * be sent again without the key once its body is read, so the service is asked before.
 */
export async function uploadKey(client: ServiceClient): Promise<string | null> {
  const response = await client.sendAnyway(SERVICE_INFO)
  return recognizesRepetitions(await response.text()) ? Bun.randomUUIDv7() : null
}

/** An answer of another program has no window: the upload itself then tells what is wrong. */
function recognizesRepetitions(text: string): boolean {
  try {
    const { deduplication_window_ms: windowMs } = JSON.parse(text) as { deduplication_window_ms?: unknown }
    return typeof windowMs === "number" && windowMs > 0
  } catch {
    return false
  }
}
