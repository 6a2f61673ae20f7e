import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi"
import { KEY_SCHEME } from "../access/scope.ts"
import type { ProblemSlug } from "../problem.ts"
import type { Route } from "../route.ts"
import { problemResponses } from "./responses.ts"

/** How a route that takes a key can refuse, whatever else it does. */
const KEY_PROBLEMS = ["unauthorized", "forbidden", "rate-limited", "engine-unavailable"] as const

/** How a route that takes a body can refuse it. */
const BODY_PROBLEMS = [
  "malformed-json",
  "request-timeout",
  "payload-too-large",
  "unsupported-media-type",
  "validation-failed",
  "too-many-in-flight",
] as const

/** How a route can refuse what a page of the web may have made a browser send. */
const PAGE_PROBLEMS = ["misdirected-request"] as const
const CHANGING_PAGE_PROBLEMS = [...PAGE_PROBLEMS, "foreign-page"] as const

const DESCRIPTION = `Takes events, stores them durably, routes them by topic, and runs the handlers that react to them.

A \`201\` means that the event is stored: it survives whatever happens to the process or the machine.

Every error is a problem document (RFC 9457). \`retryable\` says whether the same request may succeed later, and \`outcome\`
whether an event that was not confirmed may be stored all the same: publish it again with the same \`id\`.`

const TAGS = [
  { name: "Events", description: "Publish events, and look at them as they come." },
  { name: "Queues", description: "Where events wait for their handlers." },
  { name: "Dead letters", description: "Events that will not be retried, each with the reason." },
  { name: "Schemas", description: "What the payloads of events have to be." },
  { name: "Health", description: "For orchestrators and Prometheus." },
  { name: "Service", description: "What this is, and its description." },
]

interface Response {
  description: string
  headers?: Record<string, unknown>
  content?: Record<string, { schema?: unknown; examples?: object }>
}

interface Operation {
  readonly security?: readonly unknown[]
  readonly requestBody?: unknown
  readonly responses: Record<string, Response>
}

const REQUEST_ID_HEADER = {
  description: "The request's id: that of the request's own `X-Request-Id`, or a new one.",
  schema: { type: "string" },
}

const RETRY_AFTER_HEADER = {
  description: "In how many seconds to try again, where the problem passes by itself.",
  schema: { type: "integer" },
}

/** The OpenAPI document of all routes, with what they have in common said of each. */
export function describeApi(routes: readonly Route[], version: string): unknown {
  const describing = new OpenAPIHono()
  for (const route of routes) describing.openAPIRegistry.registerPath(configOf(route))
  describing.openAPIRegistry.registerComponent("securitySchemes", KEY_SCHEME, {
    type: "http",
    scheme: "bearer",
    description: "Where the service has keys. `X-API-Key: <key>` is taken as well.",
  })
  const document = describing.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Event Broker",
      version,
      description: DESCRIPTION,
      license: { name: "MIT" },
    },
    tags: TAGS,
  })
  for (const [method, operation] of Object.values(document.paths ?? {}).flatMap((path) =>
    Object.entries(path),
  )) {
    complete(method, operation as Operation)
  }
  return document
}

const OPEN_API_METHODS = { GET: "get", POST: "post", PUT: "put", PATCH: "patch", DELETE: "delete" } as const

const configOf = ({ method, path, scope, description }: Route): RouteConfig => ({
  ...description,
  method: OPEN_API_METHODS[method],
  path,
  security: scope === "open" ? [] : [{ [KEY_SCHEME]: [scope] }],
})

function complete(method: string, { security, requestBody, responses }: Operation): void {
  if (security !== undefined && security.length > 0) addProblems(responses, KEY_PROBLEMS)
  if (requestBody !== undefined) addProblems(responses, BODY_PROBLEMS)
  addProblems(responses, method === "get" ? PAGE_PROBLEMS : CHANGING_PAGE_PROBLEMS)
  addProblems(responses, ["malformed-request", "internal"])
  for (const response of Object.values(responses)) {
    const isProblem = response.content?.["application/problem+json"] !== undefined
    response.headers = {
      ...response.headers,
      "X-Request-Id": REQUEST_ID_HEADER,
      ...(isProblem && { "Retry-After": RETRY_AFTER_HEADER }),
    }
  }
}

/** A status that is there already is described for all its problems. */
function addProblems(responses: Record<string, Response>, slugs: readonly ProblemSlug[]): void {
  for (const slug of slugs) {
    for (const [status, added] of Object.entries(problemResponses(slug))) {
      const known = responses[status]
      const content = known?.content?.["application/problem+json"]
      if (known === undefined || content === undefined) responses[status] = added
      else if (!Object.hasOwn(content.examples ?? {}, slug)) {
        known.description += `; ${added.description}`
        content.examples = { ...content.examples, ...added.content["application/problem+json"].examples }
      }
    }
  }
}
