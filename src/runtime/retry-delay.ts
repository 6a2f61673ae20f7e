/**
 * Returns the delay that a handler asks for, in milliseconds; null means the backoff.
 * @throws {TypeError} if it is not a number: the backoff in its place would go unnoticed
 */
export function retryDelay(options: { readonly delay?: number } | undefined): number | null {
  const delay: unknown = options?.delay ?? null
  if (delay === null) return null
  if (typeof delay === "number" && !Number.isNaN(delay)) return delay
  const given = typeof delay === "string" ? JSON.stringify(delay) : String(delay)
  throw new TypeError(`ctx.retry: delay is a number of milliseconds, not ${given}`)
}
