import { z } from "@hono/zod-openapi"
import type { BrokerReport } from "../../engine/broker-report.ts"
import type { EngineCapabilities } from "../../engine/engine.ts"
import type { HttpContext } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

const NotUsedSchema = z
  .object({ status: z.literal("not-used"), engine: z.string(), detail: z.string() })
  .openapi("BrokerNotUsed")

const NOT_USED_EXAMPLE: z.infer<typeof NotUsedSchema> = {
  status: "not-used",
  engine: "embedded",
  detail: "Events are stored in this process.",
}

const BrokerSchema = z
  .object({
    status: z.enum(["connected", "blocked", "disconnected"]),
    detail: z.string().nullable().openapi({
      description: "Why RabbitMQ is not connected; if it is connected, which queues can't be used and why.",
    }),
    host: z.string(),
    port: z.number().int(),
    vhost: z.string(),
    tls: z.boolean(),
    server: z.object({ product: z.string().nullable(), version: z.string().nullable() }),
    blocked: z.boolean(),
    publishing: z.boolean(),
    consuming: z.boolean(),
    held_deliveries: z.number().int().openapi({
      description:
        "Deliveries whose retry or dead letter RabbitMQ has not accepted yet. The service tries again to store them.",
    }),
    queue_type: z.string(),
    capabilities: z
      .object({
        priorities: z.enum(["strict", "two-level", "none"]),
        exact_limits: z.boolean(),
        release_keeps_attempt: z.boolean(),
        stores_tried_attempts: z.boolean(),
        counts_every_redelivery: z.boolean(),
        crash_keeps_dead_letter_order: z.boolean(),
        refuses_on_all_queues_or_none: z.boolean(),
        updates_queues: z.boolean(),
        remembers_queues: z.boolean(),
        finds_undeclared_queues: z.boolean(),
        deduplicates: z.enum(["exact", "per-instance"]),
        counts_retries: z.boolean(),
      })
      .openapi({ description: "Capabilities of this broker and this queue type." }),
  })
  .openapi("BrokerHealth")

export const brokerHealth = ({ engine, brokerReport }: HttpContext): Route => ({
  method: "GET",
  path: "/health/rabbitmq",
  scope: "open",
  eventTypes: "unaffected",
  description: {
    operationId: "getBrokerHealth",
    summary: "Check the connection to RabbitMQ",
    description:
      "Also shows the capabilities of this broker and this queue type. `not-used` with the embedded engine.",
    tags: ["Health"],
    responses: {
      200: jsonResponse(
        "RabbitMQ is connected, or not used",
        z.union([BrokerSchema, NotUsedSchema]),
        NOT_USED_EXAMPLE,
      ),
      503: jsonResponse("RabbitMQ is not connected, or blocks publishers", BrokerSchema),
    },
  },
  handler({ requestId }) {
    if (brokerReport === null) {
      const detail = "Events are stored in this process."
      const body = { status: "not-used" as const, engine: engine.name, detail }
      return jsonAnswer<z.infer<typeof NotUsedSchema>>(requestId, body)
    }
    const report = brokerReport()
    const body = describeBroker(report, engine.capabilities)
    return jsonAnswer(requestId, body, report.state === "connected" ? 200 : 503)
  },
})

const describeBroker = (
  report: BrokerReport,
  capabilities: EngineCapabilities,
): z.infer<typeof BrokerSchema> => ({
  status: report.state,
  detail: report.reason,
  host: report.host,
  port: report.port,
  vhost: report.vhost,
  tls: report.tls,
  server: { product: report.product, version: report.version },
  blocked: report.state === "blocked",
  publishing: report.isPublishing,
  consuming: report.isConsuming,
  held_deliveries: report.heldDeliveries,
  queue_type: report.queueType,
  capabilities: describe(capabilities),
})

const describe = (capabilities: EngineCapabilities) => ({
  priorities: capabilities.priorities,
  exact_limits: capabilities.hasExactLimits,
  release_keeps_attempt: capabilities.releaseKeepsAttempt,
  stores_tried_attempts: capabilities.storesTriedAttempts,
  counts_every_redelivery: capabilities.countsEveryRedelivery,
  crash_keeps_dead_letter_order: capabilities.crashKeepsDeadLetterOrder,
  refuses_on_all_queues_or_none: capabilities.refusesOnAllQueuesOrNone,
  updates_queues: capabilities.updatesQueues,
  remembers_queues: capabilities.remembersQueues,
  finds_undeclared_queues: capabilities.findsUndeclaredQueues,
  deduplicates: capabilities.deduplicates,
  counts_retries: capabilities.countsRetries,
})
