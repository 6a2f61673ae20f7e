import * as v from "valibot"

/** A queue declaration as it is stored, in the store and in RabbitMQ's queue register. */
export const QueueDeclarationSchema = v.object({
  name: v.string(),
  bindings: v.array(v.string()),
  ttlMs: v.number(),
  maxLength: v.number(),
  overflow: v.picklist(["reject-publish", "drop-head"]),
  isSingleActiveConsumer: v.exactOptional(v.boolean()),
})
