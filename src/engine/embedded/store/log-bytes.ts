const MEBIBYTE = 1_048_576

/**
 * Length of the write-ahead log on a large volume before its pages are copied into the database, in bytes. A
 * page that changes often, such as the end of a queue, is then copied once for many commits.
 */
const MAX_LOG_BYTES = 16 * MEBIBYTE

/** Share of a small volume that the log may use. Three such shares are reserved for settling. */
const LOG_SHARE = 1 / 16

/** With a shorter log, a checkpoint would run after every few commits. */
const MIN_LOG_BYTES = MEBIBYTE / 4

/**
 * The log can reach this multiple of its nominal length before a checkpoint begins: a turn that begins just
 * below that length makes it longer, and so do the turns until an incomplete checkpoint is retried.
 */
export const LOG_OVERRUN = 1.5

/** Returns how long the write-ahead log may grow before a checkpoint, in bytes, on a volume of this size. */
export const logBytesFor = (totalBytes: number): number =>
  Math.min(MAX_LOG_BYTES, Math.max(MIN_LOG_BYTES, Math.floor(totalBytes * LOG_SHARE)))

/** Formats bytes for operators. */
export const inMebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`
