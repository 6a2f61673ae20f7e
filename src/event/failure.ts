/** Why an attempt failed, or why an event became a dead letter. */
export const FAILURE_REASONS = [
  /** The last of the attempts threw. */
  "attempts-exhausted",
  /** The handler threw and there are attempts left. */
  "error",
  /** The handler asked for a retry. */
  "retry-requested",
  /** The handler said that the event will never succeed. */
  "rejected",
  /** The handler did not settle within its timeout. */
  "timeout",
  /** The worker died while the handler ran. */
  "worker-crashed",
  /** No function of any module on the queue takes the event's name. */
  "no-handler",
  /** The stored message is not an event. */
  "malformed",
  /** Another program put it on the queue, and it breaks its schema. */
  "schema",
  /** The event waited longer than the queue's TTL. */
  "expired",
  /** The queue was full, and its overflow rule drops the oldest. */
  "overflow",
  /** RabbitMQ does not let the retry be stored, and will not later: its words are in the error. */
  "retry-refused",
  /** The store has another event than was stored, or none: the disk changed it. */
  "corrupt",
] as const

export type FailureReason = (typeof FAILURE_REASONS)[number]

/** Why an attempt failed that is followed by another one: never the reason of a dead letter. */
const RETRY_REASONS: readonly FailureReason[] = ["error", "retry-requested"]

/** Why an event became a dead letter. */
export const DEAD_LETTER_REASONS = FAILURE_REASONS.filter((reason) => !RETRY_REASONS.includes(reason))

/** An error as it is kept: bounded text, no live object. */
export interface ErrorSummary {
  readonly name: string
  readonly message: string
  readonly stack?: string
}

/** What is kept about an event's failures: with a retry for the next attempt, and with a dead letter. */
export interface FailureRecord {
  readonly reason: FailureReason
  /** Attempts made so far on this queue. */
  readonly attempts: number
  /** When the first and the latest failure happened, in milliseconds since the epoch. */
  readonly firstFailedAt: number
  readonly lastFailedAt: number
  readonly error: ErrorSummary | null
  /** The file of the handler module that failed, where one was involved. */
  readonly module: string | null
}

/** Causes that are kept of an error. A chain may be endless: an error can be its own cause. */
const MAX_CAUSES = 5

const MAX_MESSAGE_LENGTH = 2_000
const MAX_STACK_LENGTH = 8_000

/** Sums up whatever was thrown; never throws itself, since a thrown value can be anything. */
export function summarizeError(thrown: unknown): ErrorSummary {
  try {
    if (thrown instanceof Error) {
      const { name, message } = thrown
      const stack = stackWithCauses(thrown)
      return boundError({
        name: String(name),
        message: String(message),
        ...(stack !== "" && { stack }),
      })
    }
  } catch {
    // An error whose own fields throw is told of like any other value.
  }
  return boundError({ name: typeof thrown, message: describe(thrown) })
}

/** The stack of an error, and below it those of its causes, as Node's inspection shows them. */
function stackWithCauses(error: Error): string {
  const stacks = [error.stack ? String(error.stack) : ""]
  let cause: unknown = error.cause
  for (let left = MAX_CAUSES; left > 0 && cause !== undefined && cause !== null; left--) {
    stacks.push(`Caused by: ${cause instanceof Error ? cause.stack || String(cause) : describe(cause)}`)
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return stacks.filter((each) => each !== "").join("\n")
}

/** Cuts an error's texts to what is kept of them. */
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
    // A value that can't be turned into text has nothing more to tell than that it was thrown.
    return "a value that can't be shown"
  }
}
