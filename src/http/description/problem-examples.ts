import { EXAMPLE_FAULT } from "../module-set-view.ts"
import { type Problem, ProblemError, type ProblemSlug, problemTitle, toProblem } from "../problem.ts"

const EXAMPLE_REQUEST_ID = "01a20ace-2fda-767d-a7a1-4165c653944a"

/** Properties of an operation that change its problem examples. */
export interface ProblemContext {
  /** True if the operation publishes events. Default: false. */
  readonly isPublish?: boolean
  /** True if the input is in the query, not in a body. Default: false. */
  readonly hasQueryInput?: boolean
}

/** `detail` of each problem, worded as the service words it. */
const DETAILS: Record<ProblemSlug, string> = {
  "malformed-request": "The path is not percent-encoded as RFC 3986 requires.",
  "malformed-json": "The body is empty.",
  "idempotency-key-invalid":
    'The header Idempotency-Key is empty. Send one key, such as "8e03978e-40d5-43dd-bc93-6894a57f9324".',
  "idempotency-off":
    "The service recognizes no repeated requests, because DEDUPLICATION_WINDOW is 0. Send the request without Idempotency-Key.",
  unauthorized: "Send a key, as Authorization: Bearer <key> or as X-API-Key: <key>.",
  forbidden:
    "The key dashboard does not have the scope admin. No scope includes another: admin has to be in its line.",
  "foreign-page":
    "The request comes from a web page of another origin, and the service has no keys. Add the origin of the page to CORS_ORIGINS, or set API_KEYS_FILE.",
  "not-found": 'There is no queue "voice"; the queues are custom_events, user_events, voice_events.',
  "method-not-allowed": "/api/v1/events does not support PUT; it supports GET, HEAD, POST, OPTIONS.",
  "request-timeout": "The body did not arrive within 30000 ms.",
  "queue-in-use": "The queue voice_events is predefined. Only an orphaned queue can be deleted.",
  "queue-not-empty":
    "The queue audit has 12 events and 0 dead letters. Delete it with force=true (--force), which deletes them too, or first redrive or purge its dead letters and purge its events.",
  "dead-letters-in-use":
    "Another instance or program is reading the dead letters of voice_events, and those that it has can't be seen. Repeat the request.",
  "replay-conflict": "10 replays are running: wait for one of them, or abort one.",
  "idempotency-key-in-flight":
    "The first request with this idempotency key is not answered yet. Repeat this one to get its answer.",
  "payload-too-large": "The body is larger than 1048576 bytes.",
  "unsupported-media-type": "text/plain is not supported here. Send Content-Type: application/json.",
  "misdirected-request": "The service does not answer to events.example. Add the name to ALLOWED_HOSTS.",
  "validation-failed": "The input has faults, listed in `errors`.",
  "modules-rejected":
    "The handler modules can't be used as their files are now, so those before stay in use.",
  "idempotency-key-reused":
    "the idempotency key was used before, for a request with another body: use a new key for each request.",
  unroutable: 'no queue is bound for the routing key "orders.created".',
  "too-many-in-flight": "The bodies in flight of all clients together use up the limit.",
  "rate-limited": "The limit is 100 requests and batch events per second.",
  internal: "The service's log has the details, under the id of this request.",
  "engine-refused": "RabbitMQ refused the event: PRECONDITION_FAILED - invalid message headers.",
  "queue-full": "the queue voice_events is full: 10000 events wait in it.",
  "engine-unavailable": "RabbitMQ can't be used: ECONNREFUSED 127.0.0.1:5672: nothing listens there.",
  "history-unavailable": "The history is read again from its beginning.",
  starting:
    "The service is still starting: its queues and handlers are not loaded yet. Try again in a moment.",
  "confirm-timeout": "no confirm within 5000 ms.",
}

/** Problems that carry the outcome `not-stored` on a publish. */
const NOT_STORED: readonly ProblemSlug[] = [
  "malformed-json",
  "idempotency-key-invalid",
  "idempotency-off",
  "idempotency-key-in-flight",
  "idempotency-key-reused",
  "request-timeout",
  "payload-too-large",
  "unsupported-media-type",
  "validation-failed",
  "unroutable",
  "too-many-in-flight",
  "rate-limited",
  "engine-refused",
  "queue-full",
  "engine-unavailable",
  "starting",
]

/** Returns an example of a kind of problem. */
export function problemExample(slug: ProblemSlug, { isPublish, hasQueryInput }: ProblemContext): Problem {
  const fault = hasQueryInput
    ? { parameter: "limit", message: "must be at most 1000" }
    : { pointer: "/payload", message: "is required" }
  const outcome = outcomeOf(slug, isPublish ?? false)
  const details = {
    ...(outcome === null ? {} : { outcome }),
    ...(slug === "validation-failed" && { errors: [fault] }),
    ...(slug === "modules-rejected" && { errors: [EXAMPLE_FAULT] }),
  }
  return toProblem(new ProblemError(slug, DETAILS[slug], details), EXAMPLE_REQUEST_ID)
}

function outcomeOf(slug: ProblemSlug, isPublish: boolean): "not-stored" | "unknown" | null {
  if (slug === "confirm-timeout") return "unknown"
  return isPublish && NOT_STORED.includes(slug) ? "not-stored" : null
}

/** Returns the example of a problem in OpenAPI's format. */
export const namedExample = (slug: ProblemSlug, context: ProblemContext) => ({
  summary: problemTitle(slug),
  value: problemExample(slug, context),
})
