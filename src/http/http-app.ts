import { summarizeError } from "../event/failure.ts"
import { authorize } from "./access/access-control.ts"
import type { StoredKey } from "./access/key-file.ts"
import type { Allowance } from "./access/rate-limit.ts"
import type { Scope } from "./access/scope.ts"
import type { Bindings, HttpApp, HttpContext, RequestBindings } from "./context.ts"
import { ProblemError, toProblemError, toProblemResponse } from "./problem.ts"
import { RequestBody } from "./request-body.ts"
import { completeHeaders } from "./response-headers.ts"
import { PUBLISH, RouteTable, type Target } from "./route-table.ts"
import { answerPublish } from "./routes/publish-event.ts"

/** The HTTP surface: who may ask what, how often, and the one place where errors become problem documents. */
export function createHttpApp(context: HttpContext): HttpApp {
  const routes = new RouteTable(context)
  const { app } = routes
  app.notFound((c) => toProblemResponse(unknownRoute(routes, c.req.method, c.req.path), c.env.requestId))
  app.onError((error, c) => explain(error, c.req.raw, c.env.requestId, context))

  const route = async (request: Request, bindings: RequestBindings): Promise<Response> => {
    const response = await app.fetch(request, bindings)
    completeHeaders(response.headers, bindings.requestId)
    return response
  }
  const answerOrExplain = async (request: Request, bindings: Bindings, target: Target): Promise<Response> => {
    using body = new RequestBody(request, context.bodies)
    let allowance: Allowance | null = null
    let response: Response
    try {
      const key = target.scope === null ? null : authorize(context.keys, request.headers, target.scope)
      if (target.scope !== null) allowance = admit(target.scope, key, context)
      const all = { ...bindings, key, allowance, body }
      response = await (target === PUBLISH ? answerPublish(request, all, context) : route(request, all))
    } catch (error) {
      response = explain(error, request, bindings.requestId, context)
    }
    if (allowance !== null) {
      for (const [name, value] of Object.entries(allowance.headers())) response.headers.set(name, value)
    }
    return response
  }
  return async (request, bindings) => {
    const begunAt = performance.now()
    const target = routes.targetOf(request)
    const preflight = context.cors?.preflight(request) ?? null
    if (preflight !== null) completeHeaders(preflight.headers, bindings.requestId)
    const response = preflight ?? (await answerOrExplain(request, bindings, target))
    context.cors?.mark(request, response)
    const seconds = (performance.now() - begunAt) / 1_000
    context.metrics.answered(target.method, target.path, response.status, seconds)
    return response
  }
}

/** Takes a token of the key's rate, where there is one. @throws {ProblemError} where the request is not let in now. */
function admit(scope: Scope, key: StoredKey | null, context: HttpContext): Allowance | null {
  if (context.isStarting()) {
    const details = scope === "publish" ? { outcome: "not-stored" as const } : {}
    throw new ProblemError("engine-unavailable", "The service is starting.", details)
  }
  const allowance = context.rates?.of(key) ?? null
  allowance?.take()
  return allowance
}

function explain(error: unknown, request: Request, requestId: string, { logger }: HttpContext): Response {
  const problem = toProblemError(error)
  // A client that left in the middle of its request is no fault of the service.
  if (problem.slug === "internal" && !request.signal.aborted) {
    logger.error({ request_id: requestId, error: summarizeError(error) }, "a request failed")
  }
  return toProblemResponse(problem, requestId)
}

/** A path that takes other methods is there; the answer names them, as RFC 9110, section 15.5.6 asks. */
function unknownRoute(routes: RouteTable, method: string, path: string): ProblemError {
  const allowed = routes.methodsOf(path)
  if (allowed.length === 0) return new ProblemError("not-found", `There is nothing at ${path}.`)
  const detail = `${path} does not take ${method}, but ${allowed.join(", ")}.`
  return new ProblemError("method-not-allowed", detail, { headers: { Allow: allowed.join(", ") } })
}
