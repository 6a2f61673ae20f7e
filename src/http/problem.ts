import {
  EngineUnavailableError,
  InvalidCursorError,
  PublishError,
  type PublishOutcome,
  QueueInUseError,
  QueueNotEmptyError,
  UnknownQueueError,
} from "../engine/errors.ts"
import { EventInvalidError, type Fault } from "../event/errors.ts"
import { cut } from "../event/faults.ts"
import { TopicTreeFullError } from "../event/topic-tree.ts"
import { responseHeaders } from "./response-headers.ts"

/** Every kind of problem: its status, its title, and whether the same request may succeed later. */
const PROBLEMS = {
  "malformed-request": { status: 400, title: "The request is not valid HTTP", retryable: false },
  "malformed-json": { status: 400, title: "The body is not JSON", retryable: false },
  unauthorized: { status: 401, title: "A key is needed", retryable: false },
  forbidden: { status: 403, title: "The key may not do this", retryable: false },
  "foreign-page": { status: 403, title: "A page of another origin may not do this", retryable: false },
  "not-found": { status: 404, title: "There is nothing here", retryable: false },
  "method-not-allowed": { status: 405, title: "The method is not allowed here", retryable: false },
  "request-timeout": { status: 408, title: "The body took too long to arrive", retryable: true },
  "queue-in-use": { status: 409, title: "The queue is in use", retryable: false },
  "queue-not-empty": { status: 409, title: "The queue is not empty", retryable: false },
  "payload-too-large": { status: 413, title: "The body is too large", retryable: false },
  "unsupported-media-type": { status: 415, title: "The media type is not supported", retryable: false },
  "misdirected-request": { status: 421, title: "The service has another name", retryable: false },
  "validation-failed": { status: 422, title: "The input is not valid", retryable: false },
  unroutable: { status: 422, title: "No queue takes the event", retryable: false },
  "too-many-in-flight": { status: 429, title: "Too much is in flight", retryable: true },
  "rate-limited": { status: 429, title: "The key has used up its rate", retryable: true },
  internal: { status: 500, title: "The service failed", retryable: true },
  "engine-refused": { status: 500, title: "The engine refuses the event", retryable: false },
  "queue-full": { status: 503, title: "A queue is full", retryable: true },
  "engine-unavailable": { status: 503, title: "The engine can't store events", retryable: true },
  starting: { status: 503, title: "The service is starting", retryable: true },
  "confirm-timeout": { status: 504, title: "The engine did not confirm the event", retryable: true },
} as const

export type ProblemSlug = keyof typeof PROBLEMS

const isProblemSlug = (text: string): text is ProblemSlug => Object.hasOwn(PROBLEMS, text)

/** Every kind of problem, by status. */
export const PROBLEM_SLUGS: readonly ProblemSlug[] = Object.keys(PROBLEMS).filter(isProblemSlug)

/** The statuses that problems have. */
export type ProblemStatus = (typeof PROBLEMS)[ProblemSlug]["status"]

/** What every problem's `type` begins with. */
const TYPE_PREFIX = "urn:event-broker:problem:"

/** Returns the `type` of a kind of problem, a URN. */
export const problemType = (slug: ProblemSlug): string => TYPE_PREFIX + slug

/** What `Retry-After` says of a problem that passes, in seconds. */
const RETRY_AFTER_SECONDS = 1

/** Longest detail, in UTF-16 code units: it may quote the client's path, headers or text. */
const MAX_DETAIL_LENGTH = 1_024

/** One fault in a URL's query: the parameter that has it, and what was wrong. */
export interface ParameterFault {
  readonly parameter: string
  readonly message: string
}

/** An RFC 9457 problem document. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: ProblemStatus
  readonly detail: string
  readonly instance: string
  readonly retryable: boolean
  readonly outcome?: PublishOutcome
  readonly errors?: readonly (Fault | ParameterFault)[]
}

interface ProblemDetails {
  readonly outcome?: PublishOutcome
  readonly errors?: readonly (Fault | ParameterFault)[]
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that can't be answered as it was asked. Thrown anywhere, turned into a response at one place. */
export class ProblemError extends Error {
  override readonly name = "ProblemError"
  readonly slug: ProblemSlug
  readonly details: ProblemDetails

  constructor(slug: ProblemSlug, detail: string, details: ProblemDetails = {}) {
    super(cut(detail, MAX_DETAIL_LENGTH))
    this.slug = slug
    this.details = details
  }
}

/** The problem that an error amounts to. One that is not foreseen is `internal`, and tells nothing of itself. */
export function toProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof EventInvalidError) {
    return new ProblemError(error.code, faultsDetail(error.faults.length, error.faultCount), {
      outcome: "not-stored",
      errors: error.faults,
    })
  }
  if (error instanceof PublishError) {
    return new ProblemError(error.code, `${error.message}.`, { outcome: error.outcome })
  }
  if (error instanceof TopicTreeFullError) {
    return new ProblemError("too-many-in-flight", `${capitalized(error.message)}. Ask for fewer topics.`)
  }
  if (error instanceof InvalidCursorError) {
    return new ProblemError("validation-failed", faultsDetail(1, 1), {
      errors: [{ parameter: "cursor", message: error.message }],
    })
  }
  if (error instanceof UnknownQueueError)
    return new ProblemError("not-found", `${capitalized(error.message)}.`)
  if (error instanceof QueueInUseError)
    return new ProblemError("queue-in-use", `${capitalized(error.message)}.`)
  if (error instanceof QueueNotEmptyError) {
    const detail = `${capitalized(error.message)}. Delete it with force=true (--force), which deletes them too, or first redrive or purge its dead letters and purge its events.`
    return new ProblemError("queue-not-empty", detail)
  }
  if (error instanceof EngineUnavailableError)
    return new ProblemError("engine-unavailable", `${error.message}.`)
  return new ProblemError("internal", "The service's log says more, under this request's id.")
}

/** Says that faults are listed in `errors`, and how many are not. */
export const faultsDetail = (listed: number, count: number): string =>
  listed === count
    ? "The input has faults, listed in `errors`."
    : `The input has ${count} faults: \`errors\` lists ${listed} of them, and there are ${count - listed} more.`

const capitalized = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1)

/** The document of a problem, for the request with this id. */
export function toProblem(error: ProblemError, requestId: string): Problem {
  const { status, title, retryable } = PROBLEMS[error.slug]
  const { outcome, errors } = error.details
  return {
    type: problemType(error.slug),
    title,
    status,
    detail: error.message,
    instance: requestId,
    retryable,
    ...(outcome !== undefined && { outcome }),
    ...(errors !== undefined && { errors }),
  }
}

/** The response of a problem. */
export function toProblemResponse(error: ProblemError, requestId: string): Response {
  const problem = toProblem(error, requestId)
  const headers = responseHeaders(requestId, "application/problem+json")
  if (problem.retryable) headers["Retry-After"] = String(RETRY_AFTER_SECONDS)
  for (const [name, value] of Object.entries(error.details.headers ?? {})) headers[name] = value
  return new Response(JSON.stringify(problem), { status: problem.status, headers })
}

/** The status of each problem, for the OpenAPI document. */
export const problemStatus = (slug: ProblemSlug): number => PROBLEMS[slug].status

/** Returns true if the same request may succeed later, for the OpenAPI document. */
export const isRetryable = (slug: ProblemSlug): boolean => PROBLEMS[slug].retryable

/** The title of each problem, for the OpenAPI document. */
export const problemTitle = (slug: ProblemSlug): string => PROBLEMS[slug].title
