import { LOOP_SUSPECTED } from "./failure.ts"
import { boundFaults, describeFault, type Fault } from "./faults.ts"

/** The input is not a valid event. Nothing was stored. */
export class EventInvalidError extends Error {
  override readonly name = "EventInvalidError"
  readonly code = "validation-failed"
  /** The first faults, within the bounds of `FaultList`. */
  readonly faults: readonly Fault[]
  /** Number of faults, including those that are not listed. */
  readonly faultCount: number

  /** @param count number of faults. Default: the length of `faults`. */
  constructor(faults: readonly Fault[], count = faults.length) {
    const listed = boundFaults(faults)
    super(listed.map(describeFault).join("; "))
    this.faults = listed
    this.faultCount = count
  }
}

/** A handler's event that is not stored, because too many publishes by handlers led to it. */
export class LoopSuspectedError extends Error {
  override readonly name = "LoopSuspectedError"
  readonly code = LOOP_SUSPECTED
}

/** A stored message that another program published and that can't be read as an event. */
export class MalformedEventError extends Error {
  override readonly name = "MalformedEventError"
  readonly code = "malformed"
}
