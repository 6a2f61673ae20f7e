/** Reads the exit code of a worker's `close` event, which the types do not know. */
export const exitCodeOf = (event: Event): string => String("code" in event ? event.code : "unknown")
