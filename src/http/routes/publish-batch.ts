import { createRoute, z } from "@hono/zod-openapi"
import { EventInvalidError } from "../../event/errors.ts"
import { escapePointer } from "../../event/validate.ts"
import { requireType } from "../access/access-control.ts"
import { needs } from "../access/scope.ts"
import type { HttpContext, HttpRoutes } from "../context.ts"
import { eventDraftJsonSchema } from "../event-schema.ts"
import { type ProblemStatus, toProblem, toProblemError } from "../problem.ts"
import { ReceiptSchema, toReceipt } from "../receipt.ts"
import { readTrace, TRACE_HEADERS } from "../request-trace.ts"
import { jsonResponse, PUBLISH_PROBLEMS, problemResponses } from "../responses.ts"

const PATH = "/api/v1/events/batch"

/** Events in a batch at the most. */
const MAX_BATCH_SIZE = 1_000

const BatchResultSchema = z
  .object({
    count: z.number().int().openapi({ description: "How many events were stored." }),
    failed: z.number().int(),
    events: z.array(
      z.union([
        ReceiptSchema,
        z.object({
          index: z.number().int(),
          status: z.literal("failed"),
          problem: z.record(z.string(), z.unknown()),
        }),
      ]),
    ),
  })
  .openapi("BatchResult")

const route = () =>
  createRoute({
    method: "post",
    ...needs("publish"),
    path: PATH,
    summary: "Publish up to 1,000 events",
    description:
      "Each event is stored or refused on its own; the answer has them in the order sent. Where none is " +
      "stored, the status is that of the first failure.",
    tags: ["Events"],
    request: {
      headers: TRACE_HEADERS,
      body: {
        required: true,
        content: {
          "application/json": {
            schema: {
              type: "object",
              required: ["events"],
              additionalProperties: false,
              properties: {
                events: {
                  type: "array",
                  minItems: 1,
                  maxItems: MAX_BATCH_SIZE,
                  items: eventDraftJsonSchema(),
                },
              },
            },
          },
        },
      },
    },
    responses: {
      201: jsonResponse("All are stored", BatchResultSchema),
      207: jsonResponse("Some are stored", BatchResultSchema),
      ...problemResponses(...PUBLISH_PROBLEMS),
    },
  })

export function publishBatch(app: HttpRoutes, { publisher, maxBatchBytes }: HttpContext): void {
  // Described, but not typed by its description: that knows no status that depends on what was sent.
  app.openAPIRegistry.registerPath(route())
  app.post(PATH, async (c) => {
    const trace = readTrace(c.req.raw.headers)
    const drafts = readDrafts(await c.env.body.json(maxBatchBytes))
    // One was taken for the request.
    c.env.allowance?.charge(drafts.length - 1)
    // All are published in one turn of the event loop, so the embedded engine stores them in one commit.
    const publish = async (draft: unknown) => {
      requireType(c.env.key, draft)
      return publisher.publish(draft, trace)
    }
    const results = await Promise.allSettled(drafts.map(publish))
    const failures: ProblemStatus[] = []
    const events = results.map((result, index) => {
      if (result.status === "fulfilled") return toReceipt(result.value)
      const problem = toProblem(toProblemError(result.reason), c.env.requestId)
      failures.push(problem.status)
      return { index, status: "failed" as const, problem }
    })
    const count = events.length - failures.length
    return c.json({ count, failed: failures.length, events }, statusOf(count, failures))
  })
}

function statusOf(count: number, failures: readonly ProblemStatus[]): 201 | 207 | ProblemStatus {
  const [firstFailure] = failures
  if (firstFailure === undefined) return 201
  return count > 0 ? 207 : firstFailure
}

function readDrafts(body: unknown): readonly unknown[] {
  const refuse = (pointer: string, message: string) => new EventInvalidError([{ pointer, message }])
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refuse("", 'must be an object with the field "events"')
  }
  const unknownField = Object.keys(body).find((key) => key !== "events")
  if (unknownField !== undefined) throw refuse(`/${escapePointer(unknownField)}`, "is not a field of a batch")
  const events = "events" in body ? body.events : undefined
  if (!Array.isArray(events)) throw refuse("/events", "must be an array of events")
  if (events.length < 1 || events.length > MAX_BATCH_SIZE) {
    throw refuse("/events", `must have 1 to ${MAX_BATCH_SIZE} events, not ${events.length}`)
  }
  return events
}
