/** Why an attempt failed that is followed by another. */
export const RETRY_REASONS = [
  /** The handler threw. */
  "error",
  /** The handler requested a retry. */
  "retry-requested",
  /** The handler did not settle within its timeout. */
  "timeout",
  /** The worker died while the handler ran. */
  "worker-crashed",
] as const

/** The reason of a dead letter, and the code of the refused publish that causes it. */
export const LOOP_SUSPECTED = "loop-suspected"

/** Why an event became a dead letter. */
export const DEAD_LETTER_REASONS = [
  /** The last attempt threw, or requested a retry. */
  "attempts-exhausted",
  /** The handler rejected the event for good. */
  "rejected",
  /** The handler published an event after too many hops. */
  LOOP_SUSPECTED,
  /** On the last attempt, the handler did not settle within its timeout. */
  "timeout",
  /** On the last attempt, the worker died while the handler ran. */
  "worker-crashed",
  /** No function of any module on the queue matches the event's name. */
  "no-handler",
  /** The stored message is not an event. */
  "malformed",
  /** Another program published the event, and it does not match its schema. */
  "schema",
  /** The event waited longer than the queue's TTL. */
  "expired",
  /** The queue was full, and its overflow rule drops the oldest event. */
  "overflow",
  /** RabbitMQ permanently refuses to store the retry; the error holds its reply text. */
  "retry-refused",
  /** The stored event is missing or differs from what was stored: the disk changed it. */
  "corrupt",
] as const

export type RetryReason = (typeof RETRY_REASONS)[number]
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number]

/** A stored error: bounded text without references to live objects. */
export interface ErrorSummary {
  readonly name: string
  readonly message: string
  readonly stack?: string
}

/** A failure as it is stored, whether the event is retried or not. */
export interface FailureRecord<Reason extends string = RetryReason | DeadLetterReason> {
  readonly reason: Reason
  /** Attempts made so far on this queue. */
  readonly attempts: number
  /** When the first and the latest failure happened, in milliseconds since the epoch. */
  readonly firstFailedAt: number
  readonly lastFailedAt: number
  readonly error: ErrorSummary | null
  /** File of the handler module that failed, or null if none was involved. */
  readonly module: string | null
}

/** Stored with a retry for the next attempt. */
export type RetryFailure = FailureRecord<RetryReason>

/** Stored with a dead letter. */
export type DeadLetterFailure = FailureRecord<DeadLetterReason>

/** Returns the `retry_count` of a dead letter's event: the attempts after the first. */
export const retriesOf = ({ attempts }: DeadLetterFailure): number => Math.max(0, attempts - 1)

/** Most causes kept of one error. A chain can be endless, because an error can be its own cause. */
const MAX_CAUSES = 5

const MAX_MESSAGE_LENGTH = 2_000
const MAX_STACK_LENGTH = 8_000

/** Summarizes any thrown value. Never throws: a part of an error that can't be read is left out. */
export function summarizeError(thrown: unknown): ErrorSummary {
  if (!isError(thrown)) return boundError({ name: typeof thrown, message: describe(thrown) })
  const stack = readText(() => stackWithCauses(thrown)) ?? readText(() => thrown.stack ?? "") ?? ""
  return boundError({
    name: readText(() => thrown.name) ?? "Error",
    message: readText(() => thrown.message) ?? "an error whose message can't be read",
    ...(stack !== "" && { stack }),
  })
}

function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error
  } catch {
    // A proxy whose own code throws is described like any other value.
    return false
  }
}

/** Returns undefined if the value's own code throws, or if it has no text form. */
function readText(read: () => unknown): string | undefined {
  try {
    return String(read())
  } catch {
    // The error's own getter threw. The other parts still tell something.
    return undefined
  }
}

/** Returns the stack of an error, followed by the stacks of its causes in the format of Node's inspection. */
function stackWithCauses(error: Error): string {
  const stacks = [error.stack ? String(error.stack) : ""]
  let cause: unknown = error.cause
  for (let left = MAX_CAUSES; left > 0 && cause !== undefined && cause !== null; left--) {
    stacks.push(`Caused by: ${cause instanceof Error ? cause.stack || String(cause) : describe(cause)}`)
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return stacks.filter((each) => each !== "").join("\n")
}

/** Cuts the texts of an error to the lengths that are stored. */
export function boundError(error: ErrorSummary): ErrorSummary {
  return {
    name: error.name.slice(0, MAX_MESSAGE_LENGTH),
    message: error.message.slice(0, MAX_MESSAGE_LENGTH),
    ...(error.stack !== undefined && { stack: error.stack.slice(0, MAX_STACK_LENGTH) }),
  }
}

function describe(value: unknown): string {
  try {
    return typeof value === "object" ? (JSON.stringify(value) ?? "null") : String(value)
  } catch {
    // The value has no text form. The log still says that something was thrown.
    return "a value that can't be converted to text"
  }
}
