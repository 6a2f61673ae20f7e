/**
 * Returns the delay that a handler asks for, in milliseconds; null means the backoff.
 * @throws {TypeError} for anything that does not give it as documented: the backoff in its place would go unnoticed
 */
export function requestedDelay(options: unknown): number | null {
  if (options === undefined) return null
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`ctx.retry takes { delay: milliseconds }, not ${shown(options)}`)
  }
  const [unknown] = Object.keys(options).filter((name) => name !== "delay")
  if (unknown !== undefined) throw new TypeError(`ctx.retry has no option ${unknown}; it has delay`)
  const delay: unknown = "delay" in options ? options.delay : undefined
  if (delay === undefined) return null
  if (typeof delay === "number" && !Number.isNaN(delay)) return delay
  throw new TypeError(`ctx.retry: delay is a number of milliseconds, not ${shown(delay)}`)
}

const shown = (value: unknown): string => (typeof value === "string" ? JSON.stringify(value) : String(value))
