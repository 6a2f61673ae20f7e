/**
 * Returns milliseconds since the epoch with fractions, consistent between processes and workers started
 * within the same minutes. `Date.now()` has no fractions.
 */
export const machineTimeMs = (): number => performance.timeOrigin + performance.now()
