/** When the process started, by the wall clock of that moment, in milliseconds since the epoch. */
const STARTED_AT = Date.now() - performance.now()

/**
 * Returns the time for the retention, in whole milliseconds since the epoch: the wall clock without its jumps forward, because
 * what they remove does not come back with the clock. A restart takes the clock as it is then.
 */
export const retentionTime = (): number => Math.floor(Math.min(Date.now(), STARTED_AT + performance.now()))
