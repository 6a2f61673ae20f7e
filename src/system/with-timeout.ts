/** Settles as the work does, or rejects with `tooLate` after `timeoutMs` milliseconds. */
export async function withTimeout<T>(work: Promise<T>, timeoutMs: number, tooLate: Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(tooLate), timeoutMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
