import type { RouteConfig } from "@hono/zod-openapi"
import { BEARER_SCHEME, HEADER_SCHEME } from "../access/scope.ts"
import { isRetryable, PROBLEM_SLUGS, type ProblemSlug, problemStatus } from "../problem.ts"
import { IDEMPOTENCY_REPLAYED } from "../publishing/keyed-requests.ts"
import { type Route, refusesUnknownQuery } from "../route.ts"
import { headerReference, type Reference } from "./components.ts"
import { PROBLEM_TYPE, type ProblemResponse, responsesOf } from "./responses.ts"

/** Problems of every route that takes a key. */
const KEY_PROBLEMS: readonly ProblemSlug[] = ["unauthorized", "forbidden", "rate-limited", "starting"]

/** Problems of every route that takes a body. */
const BODY_PROBLEMS: readonly ProblemSlug[] = [
  "malformed-json",
  "request-timeout",
  "payload-too-large",
  "unsupported-media-type",
  "validation-failed",
  "too-many-in-flight",
]

/** Problems of every route. The last one rejects requests that a web page may have made a browser send. */
const ALL_PROBLEMS: readonly ProblemSlug[] = ["malformed-request", "internal", "misdirected-request"]

/** Problems of every route that changes something. */
const CHANGE_PROBLEMS: readonly ProblemSlug[] = ["foreign-page"]

/** Problems of routes that reject unknown parameters. */
const QUERY_PROBLEMS: readonly ProblemSlug[] = ["validation-failed"]

const OPEN_API_METHODS = { GET: "get", POST: "post", PUT: "put", PATCH: "patch", DELETE: "delete" } as const

type Responses = Route["description"]["responses"]

/**
 * Returns the OpenAPI operation of a route. Adds the responses that follow from its scope, method and body.
 */
export function operationOf(route: Route): RouteConfig {
  const { method, path, scope, eventTypes, isPublish, description } = route
  const slugs = new Set<ProblemSlug>([
    ...problemsIn(description.responses),
    ...(scope === "open" ? [] : KEY_PROBLEMS),
    ...(description.request?.body === undefined ? [] : BODY_PROBLEMS),
    ...(method === "GET" ? [] : CHANGE_PROBLEMS),
    ...(refusesUnknownQuery(route) ? QUERY_PROBLEMS : []),
    ...ALL_PROBLEMS,
  ])
  const problems = responsesOf(
    PROBLEM_SLUGS.filter((slug) => slugs.has(slug)),
    { isPublish: isPublish ?? false, hasQueryInput: description.request?.body === undefined },
  )
  return {
    ...description,
    description: [description.description, ...accessNotes(scope, eventTypes)].join("\n\n"),
    method: OPEN_API_METHODS[method],
    path,
    security: securityOf(scope),
    responses: withHeaders(merge(description.responses, problems), route),
  }
}

function securityOf(scope: Route["scope"]): Record<string, string[]>[] {
  if (scope === "open") return []
  const scopes = scope === "any" ? [] : [scope]
  return [{ [BEARER_SCHEME]: scopes }, { [HEADER_SCHEME]: scopes }]
}

function accessNotes(scope: Route["scope"], eventTypes: Route["eventTypes"]): readonly string[] {
  if (scope === "open") return []
  const which = scope === "any" ? "of any scope" : `with the scope \`${scope}\``
  const needed = `If the service has keys, the request needs a key ${which}.`
  return [
    eventTypes === "unlimited-only" ? `${needed} A key that is limited to event types is rejected.` : needed,
  ]
}

/** Returns the problems that a route itself lists: their names are the names of its examples. */
const problemsIn = (responses: Responses): readonly ProblemSlug[] =>
  PROBLEM_SLUGS.filter((slug) =>
    Object.values(responses).some((response) => {
      const media = contentOf(response)[PROBLEM_TYPE]
      return media !== undefined && "examples" in media && Object.hasOwn(media.examples ?? {}, slug)
    }),
  )

/** Merges the problem responses into the route's own. A status that already has a body describes both. */
function merge(own: Responses, problems: Readonly<Record<string, ProblemResponse>>): Responses {
  const merged: Responses = { ...own }
  for (const [status, problem] of Object.entries(problems)) {
    const known = own[status]
    const { [PROBLEM_TYPE]: _, ...content } = known === undefined ? {} : contentOf(known)
    const isShared = known !== undefined && "description" in known && Object.keys(content).length > 0
    merged[status] = {
      description: isShared ? `${known.description}. ${problem.description}` : problem.description,
      content: { ...content, ...problem.content },
    }
  }
  return merged
}

const contentOf = (response: Responses[string]) => ("content" in response ? (response.content ?? {}) : {})

function withHeaders(responses: Responses, { scope, isPublish }: Route): Responses {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      {
        ...response,
        headers: {
          ...headersOf(Number(status), scope !== "open"),
          ...replayHeader(Number(status), isPublish),
        },
      },
    ]),
  )
}

/** Statuses of publishes that stored their events now, or earlier. */
const STORED = [201, 207]

const replayHeader = (status: number, isPublish = false): Readonly<Record<string, Reference>> =>
  isPublish && STORED.includes(status)
    ? { [IDEMPOTENCY_REPLAYED]: headerReference("IdempotencyReplayed") }
    : {}

/** Statuses of responses sent before the key is known. */
const UNKNOWN_CLIENT = [401, 421]

function headersOf(status: number, takesKey: boolean): Readonly<Record<string, Reference>> {
  return {
    "X-Request-Id": headerReference("RequestId"),
    ...(takesKey &&
      !UNKNOWN_CLIENT.includes(status) && {
        RateLimit: headerReference("RateLimit"),
        "RateLimit-Policy": headerReference("RateLimitPolicy"),
      }),
    ...(isPassing(status) && { "Retry-After": headerReference("RetryAfter") }),
    ...(status === 401 && { "WWW-Authenticate": headerReference("WwwAuthenticate") }),
  }
}

/** Returns whether a retryable problem has this status. */
const isPassing = (status: number): boolean =>
  PROBLEM_SLUGS.some((slug) => isRetryable(slug) && problemStatus(slug) === status)
