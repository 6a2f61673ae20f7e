/** The first window, before anything is known of the messages: they may be as large as the broker takes. */
const FIRST_WINDOW = 8

/** What a window may have in flight, in bytes, as long as no more than that is held. */
const WINDOW_BYTES = 4_194_304

/** How much larger than the last one a window may be: the messages seen so far may not be like those to come. */
const MAX_GROWTH = 8

/** The most that AMQP's basic.qos takes. */
const MAX_WINDOW = 65_535

interface TakenSoFar {
  /** The last window; 0 before the first. */
  readonly last: number
  /** How many messages are held. */
  readonly held: number
  /** Null before the first message. */
  readonly averageBytes: number | null
}

/**
 * How many messages the next window may have: as many as fit into its bytes, but at least as many as are held, so that
 * the number of windows grows with the logarithm of the queue's length.
 */
export function nextWindow({ last, held, averageBytes }: TakenSoFar): number {
  if (averageBytes === null) return FIRST_WINDOW
  const fitting = Math.floor(WINDOW_BYTES / Math.max(1, averageBytes))
  return Math.min(MAX_WINDOW, Math.max(1, held, Math.min(fitting, last * MAX_GROWTH)))
}
