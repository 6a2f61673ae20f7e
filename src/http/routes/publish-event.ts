import { createRoute } from "@hono/zod-openapi"
import type { HttpApp, HttpContext } from "../context.ts"
import { eventDraftJsonSchema } from "../event-schema.ts"
import { readJson } from "../json-body.ts"
import { ReceiptSchema, toReceipt } from "../receipt.ts"
import { jsonResponse, PUBLISH_PROBLEMS, problemResponses } from "../responses.ts"

const route = () =>
  createRoute({
    method: "post",
    path: "/api/v1/events",
    summary: "Publish an event",
    description: "Answers 201 once the event is stored on every queue that it is routed to.",
    tags: ["Events"],
    request: {
      body: { required: true, content: { "application/json": { schema: eventDraftJsonSchema() } } },
    },
    responses: {
      201: jsonResponse("The event is stored", ReceiptSchema),
      ...problemResponses(...PUBLISH_PROBLEMS),
    },
  })

export function publishEvent(app: HttpApp, { publisher, maxBodyBytes }: HttpContext): void {
  app.openapi(route(), async (c) => {
    const event = await publisher.publish(await readJson(c.req.raw, maxBodyBytes))
    return c.json(toReceipt(event), 201)
  })
}
