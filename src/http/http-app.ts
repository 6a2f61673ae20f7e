import { summarizeError } from "../event/failure.ts"
import { refuseForeignPages } from "./access/page-guard.ts"
import type { Allowance } from "./access/rate-limit.ts"
import { admit } from "./admission.ts"
import { createRouteTable } from "./all-routes.ts"
import { logRefusedChange } from "./audit.ts"
import { clientName } from "./client-name.ts"
import type { Exchange, HttpApp, HttpContext } from "./context.ts"
import { refuseUnreadInput } from "./parameters.ts"
import { type ProblemError, toProblemError, toProblemResponse, withoutPublish } from "./problem.ts"
import { RequestBody } from "./request-body.ts"
import { HostReader } from "./request-host.ts"
import { emptyResponseHeaders } from "./response-headers.ts"
import type { Match } from "./route-table.ts"

/** Methods that metrics count separately. */
const COUNTED_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

/**
 * The HTTP interface: parses the target of a request once, matches it once, admits or rejects the request,
 * and runs the handler of its route. The only place where errors become problem documents.
 */
export function createHttpApp(context: HttpContext): HttpApp {
  const table = createRouteTable(context)
  const hosts = new HostReader()
  return async (request, exchange) => {
    const begunAt = performance.now()
    const { method } = request
    const match = table.match(method, request.url)
    const response = await answer(request, match, hosts, exchange, context)
    context.cors?.mark(request, response)
    const seconds = (performance.now() - begunAt) / 1_000
    const countedMethod = COUNTED_METHODS.has(method) ? method : "other"
    context.metrics.answered(countedMethod, match.label, response.status, seconds)
    return response
  }
}

async function answer(
  request: Request,
  match: Match,
  hosts: HostReader,
  exchange: Exchange,
  context: HttpContext,
): Promise<Response> {
  const { requestId } = exchange
  const { method, headers } = request
  let allowance: Allowance | null = null
  let response: Response
  try {
    const host = hosts.read(headers.get("host"))
    refuseForeignPages(method, host, headers, context.pages)
    if (match.kind === "refused") throw match.problem
    if (match.kind === "options") {
      return (
        context.cors?.preflight(request, match.allowed, requestId) ?? optionsAnswer(match.allowed, requestId)
      )
    }
    const { route, params, query } = match
    const key = admit({ route, method, headers, host }, context)
    if (route.scope !== "open") allowance = context.rates?.of(key) ?? null
    allowance?.take()
    refuseUnreadInput(route, query, headers)
    using body = new RequestBody(request, context.bodies, () => clientName(key, exchange))
    using _ = route.mayTakeLong === true ? exchange.mayTakeLong() : null
    response = await route.handler({
      route,
      method,
      headers,
      host,
      params,
      query,
      requestId,
      exchange,
      key,
      allowance,
      body,
    })
  } catch (error) {
    const isPublish = match.kind === "route" && match.route.isPublish === true
    const explained = explain(error, request, requestId, context)
    const problem = isPublish ? explained : withoutPublish(explained)
    logRefusedChange(context.logger, match, requestId, problem)
    response = toProblemResponse(problem, requestId)
  }
  if (allowance !== null) {
    for (const [name, value] of Object.entries(allowance.headers())) response.headers.set(name, value)
  }
  return response
}

/**
 * Source: RFC 9110, section 9.3.7. It has no side effects, and reveals only what the documentation states.
 */
const optionsAnswer = (allowed: readonly string[], requestId: string): Response =>
  new Response(null, {
    status: 204,
    headers: { ...emptyResponseHeaders(requestId), Allow: allowed.join(", ") },
  })

function explain(error: unknown, request: Request, requestId: string, { logger }: HttpContext): ProblemError {
  const problem = toProblemError(error)
  // A client that disconnects during its request is not a fault of the service.
  if (problem.slug === "internal" && !request.signal.aborted) {
    logger.error({ request_id: requestId, error: summarizeError(error) }, "request failed")
  }
  return problem
}
