/** Resolves in the next turn of the event loop: what else waits runs first. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
