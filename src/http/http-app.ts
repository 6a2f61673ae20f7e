import { OpenAPIHono } from "@hono/zod-openapi"
import { summarizeError } from "../event/failure.ts"
import { authorize } from "./access/access-control.ts"
import type { StoredKey } from "./access/key-file.ts"
import { type RouteScopes, readRouteScopes } from "./access/route-scopes.ts"
import { KEY_SCHEME, type Scope } from "./access/scope.ts"
import type { Bindings, HttpApp, HttpContext, HttpRoutes } from "./context.ts"
import { ProblemError, toProblemError, toProblemResponse } from "./problem.ts"
import { brokerHealth } from "./routes/broker-health.ts"
import { countDeadLetters } from "./routes/count-dead-letters.ts"
import { health } from "./routes/health.ts"
import { listDeadLetters } from "./routes/list-dead-letters.ts"
import { listQueues } from "./routes/list-queues.ts"
import { listTypes } from "./routes/list-types.ts"
import { metrics } from "./routes/metrics.ts"
import { pauseQueue } from "./routes/pause-queue.ts"
import { publishBatch } from "./routes/publish-batch.ts"
import { answerPublish, PUBLISH_PATH, publishEvent } from "./routes/publish-event.ts"
import { purgeDeadLetters } from "./routes/purge-dead-letters.ts"
import { queueStats } from "./routes/queue-stats.ts"
import { redriveDeadLetters } from "./routes/redrive-dead-letters.ts"
import { serviceInfo } from "./routes/service-info.ts"

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

/** The HTTP surface: every route, and the one place where errors become problem documents. */
export function createHttpApp(context: HttpContext): HttpApp {
  const app: HttpRoutes = new OpenAPIHono()
  publishEvent(app, context)
  publishBatch(app, context)
  listQueues(app, context)
  listTypes(app)
  queueStats(app, context)
  pauseQueue(app, context)
  countDeadLetters(app, context)
  listDeadLetters(app, context)
  redriveDeadLetters(app, context)
  purgeDeadLetters(app, context)
  health(app, context)
  brokerHealth(app, context)
  metrics(app, context)
  serviceInfo(app, context)
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: { title: "Event Broker", version: context.version },
  })
  app.notFound((c) => toProblemResponse(unknownRoute(app, c.req.method, c.req.path), c.env.requestId))
  app.onError((error, c) => explain(error, c.req.raw, c.env.requestId, context))
  app.openAPIRegistry.registerComponent("securitySchemes", KEY_SCHEME, { type: "http", scheme: "bearer" })
  const scopes = readRouteScopes(app)
  const admit = ({ headers }: Request, scope: Scope): StoredKey | null => {
    const key = authorize(context.keys, headers, scope)
    if (context.isStarting()) throw starting(scope)
    return key
  }
  const route = async (request: Request, bindings: Bindings, scope: Scope | null): Promise<Response> => {
    const key = scope === null ? null : admit(request, scope)
    const response = await app.fetch(request, { ...bindings, key })
    response.headers.set("X-Request-Id", bindings.requestId)
    return response
  }
  const publish = async (request: Request, { requestId }: Bindings): Promise<Response> =>
    answerPublish(request, requestId, admit(request, "publish"), context)
  return async (request, bindings) => {
    const begunAt = performance.now()
    const isPublish = request.method === "POST" && isPath(request.url, PUBLISH_PATH)
    const target = isPublish ? PUBLISH : targetOf(app, scopes, request)
    let response: Response
    try {
      response = await (isPublish ? publish(request, bindings) : route(request, bindings, target.scope))
    } catch (error) {
      response = explain(error, request, bindings.requestId, context)
    }
    const seconds = (performance.now() - begunAt) / 1_000
    context.metrics.answered(target.method, target.path, response.status, seconds)
    return response
  }
}

/** Which route a request is for, as one of few values: its method, its path with the names of parameters, its scope. */
interface Target {
  readonly method: string
  readonly path: string
  readonly scope: Scope | null
}

const PUBLISH: Target = { method: "POST", path: PUBLISH_PATH, scope: "publish" }

/** A route that is not there needs no scope to be told so. */
function targetOf(app: HttpRoutes, scopes: RouteScopes, { method, url }: Request): Target {
  const [handlers] = app.router.match(method === "HEAD" ? "GET" : method, new URL(url).pathname)
  const route = handlers.at(-1)?.[0][1]
  if (route === undefined)
    return { method: METHODS.includes(method) ? method : "other", path: "none", scope: null }
  return { method, path: route.path, scope: scopes.get(`${route.method} ${route.path}`) ?? null }
}

function explain(error: unknown, request: Request, requestId: string, { logger }: HttpContext): Response {
  const problem = toProblemError(error)
  // A client that left in the middle of its request is no fault of the service.
  if (problem.slug === "internal" && !request.signal.aborted) {
    logger.error({ request_id: requestId, error: summarizeError(error) }, "a request failed")
  }
  return toProblemResponse(problem, requestId)
}

function starting(scope: Scope): ProblemError {
  const details = scope === "publish" ? { outcome: "not-stored" as const } : {}
  return new ProblemError("engine-unavailable", "The service is starting.", details)
}

/** Whether an absolute URL has this path and nothing after it. */
function isPath(url: string, path: string): boolean {
  const at = url.indexOf("/", "http://".length)
  return url.length === at + path.length && url.endsWith(path)
}

/** A path that takes other methods is there; the answer names them, as RFC 9110, section 15.5.6 asks. */
function unknownRoute(app: HttpRoutes, method: string, path: string): ProblemError {
  const allowed = METHODS.filter(
    (each) => app.router.match(each === "HEAD" ? "GET" : each, path)[0].length > 0,
  )
  if (allowed.length === 0) return new ProblemError("not-found", `There is nothing at ${path}.`)
  return new ProblemError(
    "method-not-allowed",
    `${path} does not take ${method}, but ${allowed.join(", ")}.`,
    {
      headers: { Allow: allowed.join(", ") },
    },
  )
}
