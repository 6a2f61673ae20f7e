/**
 * Size of the first window, while nothing is known of the messages: they may be as large as the broker
 * accepts.
 */
const FIRST_WINDOW = 8

/** Most bytes in flight in a window, as long as no more than that is held. */
const WINDOW_BYTES = 4_194_304

/** Largest growth from one window to the next, because later messages may differ from earlier ones. */
const MAX_GROWTH = 8

/** Largest prefetch of AMQP's basic.qos. */
const MAX_WINDOW = 65_535

interface TakenSoFar {
  /** Size of the last window; 0 before the first. */
  readonly last: number
  /** Number of messages held. */
  readonly held: number
  /** Null before the first message. */
  readonly averageBytes: number | null
}

/**
 * Returns the size of the next window: as many messages as fit in its bytes, but at least as many as are
 * held, so that the number of windows grows with the logarithm of the queue's length.
 */
export function nextWindow({ last, held, averageBytes }: TakenSoFar): number {
  if (averageBytes === null) return FIRST_WINDOW
  const fitting = Math.floor(WINDOW_BYTES / Math.max(1, averageBytes))
  return Math.min(MAX_WINDOW, Math.max(1, held, Math.min(fitting, last * MAX_GROWTH)))
}
