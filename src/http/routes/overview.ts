import { z } from "@hono/zod-openapi"
import { STEP_SECONDS } from "../../telemetry/throughput.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse, problemResponses } from "../description/responses.ts"
import { EXAMPLE_REPORT, HealthReportSchema } from "../health-report.ts"
import { JSON_TYPE } from "../media-type.ts"
import { EXAMPLE_MODULES, ModuleSetSchema, withoutCode } from "../module-set-view.ts"
import { checkQuery } from "../parameters.ts"
import { countEvents } from "../queue-counts.ts"
import { describeQueue, EXAMPLE_QUEUE, QueueStateSchema } from "../queue-description.ts"
import { responseHeaders } from "../response-headers.ts"
import type { Route } from "../route.ts"
import { SharedSnapshot } from "../shared-snapshot.ts"

/** How old the queues of an answer may be, in milliseconds: any number of consoles cost what one costs. */
const MAX_AGE_MS = 1_000

const HOUR_SECONDS = 3_600

const QuerySchema = z.strictObject({
  since: z.number("must be a number of seconds since the epoch").optional().openapi({
    description: "Leaves out the steps of the throughput up to this time. Default: the last hour.",
  }),
})

const counts = (description: string) => z.array(z.number().int()).openapi({ description })

const SnapshotSchema = z.object({
  at: z.number().openapi({ description: "When the queues were read, in seconds since the epoch." }),
  health: HealthReportSchema,
  queues: z.array(QueueStateSchema),
  is_complete: z.boolean().openapi({ description: "As in `GET /api/v1/queues`." }),
  modules: ModuleSetSchema,
  instances: z
    .number()
    .int()
    .nullable()
    .openapi({
      description:
        "Number of instances of the service that are connected now, with this one. Always 1 with the embedded engine. On " +
        "RabbitMQ those of its virtual host, as RabbitMQ counts them; null if it does not, such as with `TOPOLOGY=passive`.",
    }),
})

type Snapshot = z.infer<typeof SnapshotSchema>

const ThroughputSchema = z.object({
  step_seconds: z.number().int(),
  ends_at: z.number().openapi({
    description: "End of the last step, in seconds since the epoch; 0 before the first one has ended.",
  }),
  published: counts("Events stored in each step, the oldest first."),
  handled: counts("Events handled."),
  failed: counts("Attempts that failed, and dead letters without an attempt."),
})

type ThroughputView = z.infer<typeof ThroughputSchema>

const OverviewSchema = SnapshotSchema.extend({ throughput: ThroughputSchema }).openapi("Overview")

const EXAMPLE: z.infer<typeof OverviewSchema> = {
  at: 1_795_766_500.5,
  health: EXAMPLE_REPORT,
  queues: [EXAMPLE_QUEUE],
  is_complete: true,
  modules: EXAMPLE_MODULES,
  instances: 1,
  throughput: {
    step_seconds: STEP_SECONDS,
    ends_at: 1_795_766_500,
    published: [12, 9],
    handled: [11, 10],
    failed: [0, 1],
  },
}

export const overview = (context: HttpContext): Route => {
  const snapshot = new SharedSnapshot(async () => JSON.stringify(await take(context)), MAX_AGE_MS)
  return {
    method: "GET",
    path: "/api/v1/overview",
    scope: "read",
    eventTypes: "unaffected",
    description: {
      operationId: "getOverview",
      summary: "Get health, queues, modules and throughput at once",
      description:
        "For pages that show the service and ask again every few seconds. The queues are up to a second old; the throughput " +
        "is that of this instance.",
      tags: ["Service"],
      request: { query: QuerySchema },
      responses: {
        200: jsonResponse("The service as it is", OverviewSchema, EXAMPLE),
        ...problemResponses("validation-failed", "engine-unavailable"),
      },
    },
    async handler({ query, requestId }) {
      const { since } = checkQuery(QuerySchema, query, { since: "json" })
      const text = await snapshot.text()
      const throughput = JSON.stringify(throughputSince(since, context))
      const body = `${text.slice(0, -1)},"throughput":${throughput}}`
      return new Response(body, { headers: responseHeaders(requestId, JSON_TYPE) })
    },
  }
}

async function take(context: HttpContext): Promise<Snapshot> {
  const { engine, health, modules } = context
  const knowledge = await engine.queueAdministration.knowledge()
  const instances = await engine.queueAdministration.instances()
  const stats = await countEvents(await engine.queueStats(), context)
  return {
    at: Date.now() / 1_000,
    health: await health(),
    queues: stats.map((each) => describeQueue(each, context)),
    is_complete: knowledge === "all",
    modules: withoutCode(modules.view()),
    instances,
  }
}

function throughputSince(since: number | undefined, { throughput }: HttpContext): ThroughputView {
  const from = since ?? Date.now() / 1_000 - HOUR_SECONDS
  const { endsAt, published, handled, failed } = throughput.since(from * 1_000)
  return {
    step_seconds: STEP_SECONDS,
    ends_at: endsAt / 1_000,
    published: [...published],
    handled: [...handled],
    failed: [...failed],
  }
}
