import { z } from "@hono/zod-openapi"
import type { HttpContext } from "../context.ts"
import { jsonResponse } from "../description/responses.ts"
import { jsonAnswer } from "../json-answer.ts"
import type { Route } from "../route.ts"

const QueueSchema = z
  .object({
    routing_key: z.string(),
    durable: z.boolean(),
    auto_delete: z.boolean(),
    ttl: z.number().openapi({
      description: "Time after which a waiting event becomes a dead letter, in milliseconds.",
    }),
    max_length: z.number(),
    overflow: z.enum(["reject-publish", "drop-head"]),
  })
  .openapi("Queue")

const QueuesSchema = z.record(z.string(), QueueSchema)

const EXAMPLE: z.infer<typeof QueuesSchema> = {
  voice_events: {
    routing_key: "events.voice.#",
    durable: true,
    auto_delete: false,
    ttl: 86_400_000,
    max_length: 10_000,
    overflow: "reject-publish",
  },
}

export const listQueues = ({ queues }: HttpContext): Route => ({
  method: "GET",
  path: "/api/v1/events/queues",
  scope: "read",
  eventTypes: "unaffected",
  description: {
    operationId: "listPredefinedQueues",
    summary: "List the predefined queues and their limits",
    description: "These queues always exist. `GET /api/v1/queues` lists all queues.",
    tags: ["Events"],
    responses: { 200: jsonResponse("The queues, by name", QueuesSchema, EXAMPLE) },
  },
  handler({ requestId }) {
    const byName = queues.map(({ name, bindings, ttlMs, maxLength, overflow }) => {
      const limits = { ttl: ttlMs, max_length: maxLength, overflow }
      return [
        name,
        { routing_key: bindings.join(","), durable: true, auto_delete: false, ...limits },
      ] as const
    })
    return jsonAnswer<z.infer<typeof QueuesSchema>>(requestId, Object.fromEntries(byName))
  },
})
