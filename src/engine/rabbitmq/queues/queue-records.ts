import * as v from "valibot"
import { MAX_SHORT_STRING_BYTES } from "../../../event/envelope.ts"
import { QueueDeclarationSchema } from "../../declaration-schema.ts"
import type { QueueDeclaration } from "../../engine.ts"
import { QueueNameSchema } from "../../queue-name.ts"

/** A change of a queue, as stored in the register. */
export type QueueRecord =
  | { readonly kind: "declared"; readonly queue: QueueDeclaration }
  | { readonly kind: "unbound"; readonly name: string }
  | { readonly kind: "deleted"; readonly name: string }

/** Longest record that is read, in bytes: 100 patterns of the greatest length fit. */
const MAX_RECORD_BYTES = 65_536

/** Most queues kept, because other programs can write to the register, too. */
const MAX_QUEUES = 10_000

/** A limit that AMQP can carry. */
const LimitSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** A valid declaration of a queue. RabbitMQ has to confirm that this service made it. */
const RecordedQueueSchema = v.object({
  ...QueueDeclarationSchema.entries,
  name: QueueNameSchema,
  bindings: v.array(v.pipe(v.string(), v.maxBytes(MAX_SHORT_STRING_BYTES))),
  ttlMs: LimitSchema,
  maxLength: LimitSchema,
})

const RecordSchema = v.variant("kind", [
  v.object({ kind: v.literal("declared"), queue: RecordedQueueSchema }),
  v.object({ kind: v.literal("unbound"), name: QueueNameSchema }),
  v.object({ kind: v.literal("deleted"), name: QueueNameSchema }),
])

/**
 * Reads a record. Returns null for anything else, and for a name that no queue of events has: another program, or a
 * later version, has written it.
 */
export function parseRecord(body: Uint8Array): QueueRecord | null {
  if (body.byteLength > MAX_RECORD_BYTES) return null
  try {
    const result = v.safeParse(RecordSchema, JSON.parse(new TextDecoder().decode(body)))
    return result.success ? result.output : null
  } catch {
    // Not JSON.
    return null
  }
}

/**
 * Applies a record. Bindings add up until they are removed, because RabbitMQ keeps a binding that an earlier
 * process made.
 */
export function applyRecord(record: QueueRecord, known: Map<string, QueueDeclaration>): void {
  switch (record.kind) {
    case "declared": {
      const before = known.get(record.queue.name)
      if (before === undefined && known.size >= MAX_QUEUES) return
      const bindings = [...new Set([...(before?.bindings ?? []), ...record.queue.bindings])]
      known.set(record.queue.name, { ...record.queue, bindings })
      return
    }
    case "unbound": {
      const before = known.get(record.name)
      if (before !== undefined) known.set(record.name, { ...before, bindings: [] })
      return
    }
    case "deleted":
      known.delete(record.name)
  }
}

/** Returns whether the known queue has all bindings of a declaration. */
export const covers = (known: QueueDeclaration | undefined, { bindings }: QueueDeclaration): boolean =>
  known !== undefined && bindings.every((pattern) => known.bindings.includes(pattern))

/** Returns whether the known queue has the limits of a declaration. */
export const hasLimitsOf = (known: QueueDeclaration | undefined, queue: QueueDeclaration): boolean =>
  known?.maxLength === queue.maxLength && known.overflow === queue.overflow && known.ttlMs === queue.ttlMs
