import {
  EngineUnavailableError,
  InvalidCursorError,
  PublishError,
  type PublishOutcome,
  QueueInUseError,
  QueueNotEmptyError,
  QueuesUnreadError,
  UnknownQueueError,
} from "../engine/errors.ts"
import { EventInvalidError } from "../event/errors.ts"
import { cut, type Fault } from "../event/faults.ts"
import { TopicTreeFullError } from "../event/topic-tree.ts"
import { HistoryCursorError, HistoryUnavailableError } from "../history/errors.ts"
import { ReplayConflictError, UnknownReplayError } from "../replay/replay.ts"
import type { ModuleFaultView } from "./module-set-view.ts"
import { responseHeaders } from "./response-headers.ts"

/** Every kind of problem: its status, its title, and whether the same request may succeed later. */
const PROBLEMS = {
  "malformed-request": { status: 400, title: "The request is not valid HTTP", retryable: false },
  "malformed-json": { status: 400, title: "The body is not valid JSON", retryable: false },
  "idempotency-key-invalid": { status: 400, title: "The idempotency key is not valid", retryable: false },
  "idempotency-off": { status: 400, title: "Idempotency keys are turned off", retryable: false },
  unauthorized: { status: 401, title: "The request needs a valid key", retryable: false },
  forbidden: { status: 403, title: "The key lacks the permission", retryable: false },
  "foreign-page": { status: 403, title: "Web pages of other origins may not do this", retryable: false },
  "not-found": { status: 404, title: "The resource does not exist", retryable: false },
  "method-not-allowed": { status: 405, title: "The method is not allowed", retryable: false },
  "request-timeout": { status: 408, title: "The body took too long to arrive", retryable: true },
  "queue-in-use": { status: 409, title: "The queue is in use", retryable: false },
  "queue-not-empty": { status: 409, title: "The queue is not empty", retryable: false },
  "dead-letters-in-use": { status: 409, title: "The dead letters are being read", retryable: true },
  "replay-conflict": { status: 409, title: "The replay can't run now", retryable: false },
  "idempotency-key-in-flight": {
    status: 409,
    title: "The first request with the idempotency key is in flight",
    retryable: true,
  },
  "payload-too-large": { status: 413, title: "The body is too large", retryable: false },
  "unsupported-media-type": { status: 415, title: "The media type is not supported", retryable: false },
  "misdirected-request": {
    status: 421,
    title: "The service does not answer to this host name",
    retryable: false,
  },
  "validation-failed": { status: 422, title: "The input is invalid", retryable: false },
  "modules-rejected": {
    status: 422,
    title: "The handler modules can't be used",
    retryable: false,
  },
  "idempotency-key-reused": {
    status: 422,
    title: "The idempotency key was used for another body",
    retryable: false,
  },
  unroutable: { status: 422, title: "No queue takes the event", retryable: false },
  "too-many-in-flight": { status: 429, title: "Too much work is in flight", retryable: true },
  "rate-limited": { status: 429, title: "The rate limit of the key is used up", retryable: true },
  internal: { status: 500, title: "The service failed", retryable: true },
  "engine-refused": { status: 500, title: "The engine refused the event", retryable: false },
  "queue-full": { status: 503, title: "A queue is full", retryable: true },
  "engine-unavailable": { status: 503, title: "The engine can't store events", retryable: true },
  "history-unavailable": { status: 503, title: "The history can't answer", retryable: true },
  starting: { status: 503, title: "The service is starting", retryable: true },
  "confirm-timeout": { status: 504, title: "The engine did not confirm the event", retryable: true },
} as const

export type ProblemSlug = keyof typeof PROBLEMS

const isProblemSlug = (text: string): text is ProblemSlug => Object.hasOwn(PROBLEMS, text)

/** Every kind of problem, by status. */
export const PROBLEM_SLUGS: readonly ProblemSlug[] = Object.keys(PROBLEMS).filter(isProblemSlug)

/** The statuses of all problems. */
export type ProblemStatus = (typeof PROBLEMS)[ProblemSlug]["status"]

/** Prefix of every problem's `type`. */
const TYPE_PREFIX = "urn:event-broker:problem:"

/** Returns the `type` of a kind of problem, a URN. */
export const problemType = (slug: ProblemSlug): string => TYPE_PREFIX + slug

/** Value of `Retry-After` for retryable problems, in seconds. */
const RETRY_AFTER_SECONDS = 1

/** Longest detail, in UTF-16 code units: it may quote the client's path, headers or text. */
const MAX_DETAIL_LENGTH = 1_024

/** One fault in a URL's query: the parameter, and what is wrong. */
export interface ParameterFault {
  readonly parameter: string
  readonly message: string
}

type ListedFaults = readonly (Fault | ParameterFault | ModuleFaultView)[]

/** An RFC 9457 problem document. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: ProblemStatus
  readonly detail: string
  readonly instance: string
  readonly retryable: boolean
  readonly outcome?: PublishOutcome
  readonly errors?: ListedFaults
}

interface ProblemDetails {
  readonly outcome?: PublishOutcome
  readonly errors?: ListedFaults
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that fails. Thrown anywhere, turned into a response in one place. */
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

/**
 * Converts any error to a problem. An unexpected error becomes `internal`, which reveals nothing about it.
 */
export function toProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof EventInvalidError) {
    return new ProblemError(error.code, faultsDetail(error.faults.length, error.faultCount), {
      outcome: "not-stored",
      errors: error.faults,
    })
  }
  if (error instanceof PublishError) {
    return new ProblemError(error.code, sentence(error.message), { outcome: error.outcome })
  }
  if (error instanceof TopicTreeFullError) {
    return new ProblemError("too-many-in-flight", `${capitalized(error.message)}. Ask for fewer topics.`)
  }
  if (error instanceof InvalidCursorError || error instanceof HistoryCursorError) {
    return new ProblemError("validation-failed", faultsDetail(1, 1), {
      errors: [{ parameter: "cursor", message: error.message }],
    })
  }
  if (error instanceof UnknownReplayError)
    return new ProblemError("not-found", sentence(capitalized(error.message)))
  if (error instanceof ReplayConflictError)
    return new ProblemError("replay-conflict", sentence(capitalized(error.message)))
  if (error instanceof HistoryUnavailableError)
    return new ProblemError("history-unavailable", sentence(capitalized(error.message)))
  if (error instanceof UnknownQueueError)
    return new ProblemError("not-found", sentence(capitalized(error.message)))
  if (error instanceof QueuesUnreadError)
    return new ProblemError("starting", `${capitalized(error.message)}. Ask again.`)
  if (error instanceof QueueInUseError)
    return new ProblemError("queue-in-use", sentence(capitalized(error.message)))
  if (error instanceof QueueNotEmptyError) {
    const detail = `${capitalized(error.message)}. Delete it with force=true (--force), which also deletes these, or first redrive or purge its dead letters and purge its events.`
    return new ProblemError("queue-not-empty", detail)
  }
  if (error instanceof EngineUnavailableError)
    return new ProblemError("engine-unavailable", `${error.message}.`)
  return new ProblemError("internal", "The service's log has the details, under the id of this request.")
}

/**
 * Returns a problem as a route that publishes nothing answers it: nothing could have been stored, so `not-stored` says
 * nothing. After `unknown`, such as of a redrive, an event may be stored twice.
 */
export function withoutPublish(error: ProblemError): ProblemError {
  const { outcome, ...details } = error.details
  return outcome === "not-stored" ? new ProblemError(error.slug, error.message, details) : error
}

/** States that the faults are listed in `errors`, and how many are not. */
export const faultsDetail = (listed: number, count: number): string =>
  listed === count
    ? "The input has faults, listed in `errors`."
    : `The input has ${count} faults: \`errors\` lists ${listed} of them and omits ${count - listed}.`

/** Ends a message with a full stop, unless it asks a question: "did you mean …?" */
const sentence = (text: string): string => (text.endsWith("?") ? text : `${text}.`)

const capitalized = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1)

/** Returns the problem document for the request with this id. */
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

/** Returns the response of a problem. */
export function toProblemResponse(error: ProblemError, requestId: string): Response {
  const problem = toProblem(error, requestId)
  const headers = responseHeaders(requestId, "application/problem+json")
  if (problem.retryable) headers["Retry-After"] = String(RETRY_AFTER_SECONDS)
  for (const [name, value] of Object.entries(error.details.headers ?? {})) headers[name] = value
  return new Response(JSON.stringify(problem), { status: problem.status, headers })
}

/** Returns the status of a problem, for the OpenAPI document. */
export const problemStatus = (slug: ProblemSlug): number => PROBLEMS[slug].status

/** Returns whether the same request may succeed later, for the OpenAPI document. */
export const isRetryable = (slug: ProblemSlug): boolean => PROBLEMS[slug].retryable

/** Returns the title of a problem, for the OpenAPI document. */
export const problemTitle = (slug: ProblemSlug): string => PROBLEMS[slug].title
