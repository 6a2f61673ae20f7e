import { boundFaults } from "./faults.ts"

/** One fault in an input: where, as an RFC 6901 JSON pointer into it, and what was wrong. */
export interface Fault {
  readonly pointer: string
  readonly message: string
}

/** An input that is not an event. Nothing of it was stored. */
export class EventInvalidError extends Error {
  override readonly name = "EventInvalidError"
  readonly code = "validation-failed"
  /** The first faults; `FaultList` has their bounds. */
  readonly faults: readonly Fault[]
  /** How many faults there are, including those that are not listed. */
  readonly faultCount: number

  /** @param count how many there are. Default: as many as are given. */
  constructor(faults: readonly Fault[], count = faults.length) {
    const listed = boundFaults(faults)
    super(listed.map(({ pointer, message }) => `${pointer || "/"} ${message}`).join("; "))
    this.faults = listed
    this.faultCount = count
  }
}

/** A stored message that can't be read as an event: put there by another program. */
export class MalformedEventError extends Error {
  override readonly name = "MalformedEventError"
  readonly code = "malformed"
}
