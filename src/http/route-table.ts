import { OpenAPIHono } from "@hono/zod-openapi"
import { type RouteScopes, readRouteScopes } from "./access/route-scopes.ts"
import type { Scope } from "./access/scope.ts"
import type { HttpContext, HttpRoutes } from "./context.ts"
import { asyncApiDocument } from "./routes/async-api-document.ts"
import { brokerHealth } from "./routes/broker-health.ts"
import { countDeadLetters } from "./routes/count-dead-letters.ts"
import { docsPages } from "./routes/docs-pages.ts"
import { health } from "./routes/health.ts"
import { listDeadLetters } from "./routes/list-dead-letters.ts"
import { listQueues } from "./routes/list-queues.ts"
import { listSchemas } from "./routes/list-schemas.ts"
import { listTypes } from "./routes/list-types.ts"
import { liveEvents } from "./routes/live-events.ts"
import { metrics } from "./routes/metrics.ts"
import { openApiDocument } from "./routes/open-api-document.ts"
import { pauseQueue } from "./routes/pause-queue.ts"
import { publishBatch } from "./routes/publish-batch.ts"
import { PUBLISH_PATH, publishEvent } from "./routes/publish-event.ts"
import { purgeDeadLetters } from "./routes/purge-dead-letters.ts"
import { queueStats } from "./routes/queue-stats.ts"
import { redriveDeadLetters } from "./routes/redrive-dead-letters.ts"
import { serviceInfo } from "./routes/service-info.ts"
import { showSchema } from "./routes/show-schema.ts"
import { validatePayload } from "./routes/validate-payload.ts"

/** The methods that a route may take. */
export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

/** Which route a request is for, as one of few values. */
export interface Target {
  readonly method: string
  /** With the names of its parameters in place of their values; `none` where there is no such route. */
  readonly path: string
  /** What it needs of a key; null for a route that is open, or is not there. */
  readonly scope: Scope | null
}

/** The target of most requests, which is known without asking the router. */
export const PUBLISH: Target = { method: "POST", path: PUBLISH_PATH, scope: "publish" }

/** Every route, with who may ask it. */
export class RouteTable {
  readonly app: HttpRoutes = new OpenAPIHono()
  readonly #scopes: RouteScopes

  constructor(context: HttpContext) {
    const { app } = this
    publishEvent(app, context)
    publishBatch(app, context)
    liveEvents(app, context)
    listQueues(app, context)
    listTypes(app)
    queueStats(app, context)
    pauseQueue(app, context)
    countDeadLetters(app, context)
    listDeadLetters(app, context)
    redriveDeadLetters(app, context)
    purgeDeadLetters(app, context)
    listSchemas(app, context)
    showSchema(app, context)
    validatePayload(app, context)
    health(app, context)
    brokerHealth(app, context)
    metrics(app, context)
    serviceInfo(app, context)
    docsPages(app)
    asyncApiDocument(app, context)
    openApiDocument(app, context)
    this.#scopes = readRouteScopes(app)
  }

  targetOf({ method, url }: Request): Target {
    if (method === "POST" && isPath(url, PUBLISH_PATH)) return PUBLISH
    const [handlers] = this.app.router.match(method === "HEAD" ? "GET" : method, new URL(url).pathname)
    const route = handlers.at(-1)?.[0][1]
    const known = METHODS.includes(method) ? method : "other"
    if (route === undefined) return { method: known, path: "none", scope: null }
    const scope = this.#scopes.get(`${route.method} ${route.path}`) ?? null
    return { method: known, path: route.path, scope }
  }

  /** The methods that a path takes; none where it is not there. */
  methodsOf(path: string): readonly string[] {
    return METHODS.filter((each) => this.app.router.match(each === "HEAD" ? "GET" : each, path)[0].length > 0)
  }
}

/** Whether an absolute URL has this path and nothing after it. */
function isPath(url: string, path: string): boolean {
  const at = url.indexOf("/", "http://".length)
  return url.length === at + path.length && url.endsWith(path)
}
