export type HistoryUnavailableCode =
  /** The history's thread has ended and is started again. */
  | "restarting"
  /** The file can't be opened, read or written; the message says why. */
  | "failed"
  /** The service stops. */
  | "closed"

/** The history can't answer now. The message is one sentence; repeat the query later. */
export class HistoryUnavailableError extends Error {
  override readonly name = "HistoryUnavailableError"
  readonly code: HistoryUnavailableCode

  constructor(code: HistoryUnavailableCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A list of the history can't be continued from this cursor. The message completes "the cursor …". */
export class HistoryCursorError extends Error {
  override readonly name = "HistoryCursorError"

  constructor() {
    super("is not one of this list")
  }
}
