import type { PublishFailure } from "./messages.ts"

/**
 * The answer to a publish of a function that has ended or was given up. Its event is settled, so nothing would repeat a
 * follow-up that is not stored.
 */
export const LATE_PUBLISH: PublishFailure = {
  name: "Error",
  message:
    "ctx.publish was called when the attempt was already over, so the event was not published: await it in the function",
  code: "too-late",
  retryable: false,
}
