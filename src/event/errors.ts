/** One fault in an input: where, as an RFC 6901 JSON pointer into it, and what was wrong. */
export interface Fault {
  readonly pointer: string
  readonly message: string
}

/** An input that is not an event. Nothing of it was stored. */
export class EventInvalidError extends Error {
  override readonly name = "EventInvalidError"
  readonly code = "validation-failed"
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super(faults.map(({ pointer, message }) => `${pointer || "/"} ${message}`).join("; "))
    this.faults = faults
  }
}

/** A stored message that can't be read as an event: put there by another program. */
export class MalformedEventError extends Error {
  override readonly name = "MalformedEventError"
  readonly code = "malformed"
}
