/**
 * Milliseconds since the epoch, with fractions, as every process and worker that was started within the same
 * minutes reads them: `Date.now()` has no fractions.
 */
export const machineTimeMs = (): number => performance.timeOrigin + performance.now()
