import { z } from "@hono/zod-openapi"
import type { Published } from "../../publisher/publisher.ts"

/** The response to a publisher whose event is stored. */
export const ReceiptSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    name: z.string(),
    routing_key: z.string(),
    status: z.literal("pending"),
    timestamp: z.number().openapi({
      description: "Time when the service accepted the event, in seconds since the epoch, fractional.",
    }),
    message: z.string(),
    duplicate: z.literal(true).optional().openapi({
      description:
        "Present if nothing was stored, because an event with this id had been stored before. The receipt is of that event.",
    }),
  })
  .openapi("Receipt")

export const EXAMPLE_RECEIPT: Receipt = {
  id: "01a20ace-2fd0-77d8-8956-d3985157a5fb",
  type: "voice",
  name: "speech_recognized",
  routing_key: "events.voice.speech_recognized",
  status: "pending",
  timestamp: 1_795_477_614.544,
  message: "Event stored",
}

export type Receipt = z.infer<typeof ReceiptSchema>

export function toReceipt(published: Published): Receipt {
  const { id, type, name, routing_key, status, timestamp } = published
  const receipt = { id, type, name, routing_key, status, timestamp }
  return published.duplicate === true
    ? { ...receipt, message: "Event was stored before", duplicate: true }
    : { ...receipt, message: "Event stored" }
}
