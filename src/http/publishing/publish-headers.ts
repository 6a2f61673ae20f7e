import { z } from "@hono/zod-openapi"
import { TRACE_HEADERS } from "../request-trace.ts"
import { IDEMPOTENCY_KEY } from "./idempotency-key.ts"

/** Headers of requests that publish. */
export const PUBLISH_HEADERS = TRACE_HEADERS.extend({
  [IDEMPOTENCY_KEY]: z
    .string()
    .optional()
    .openapi({
      description:
        "Identifies the request, such as by a UUID, with or without quotes and of up to 255 characters. A request with the " +
        "same key and body stores nothing again and gets the first receipt. Each API key has its own.",
      example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
    }),
})
