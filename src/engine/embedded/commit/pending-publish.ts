import type { Event } from "../../../event/envelope.ts"
import { layoutOf } from "../../../event/event-layout.ts"
import { orderLevel } from "../../../event/priority.ts"
import type { Receipt } from "../../../event/receipt.ts"
import type { Once, PublishOptions } from "../../once.ts"
import type { NewEvent } from "../store/checksum.ts"
import { encodeOrigin } from "../store/origin-text.ts"
import type { Queue } from "../store/queue.ts"

/** A publish waiting for its confirm. */
export interface PendingPublish {
  readonly stored: NewEvent
  readonly routingKey: string
  /** The number that the engine orders by, 0 to 9. */
  readonly priority: number
  readonly queues: readonly Queue[]
  /** The marks of the publish, and its receipt; null if it has no marks. */
  readonly once: { readonly by: Once; readonly receipt: Receipt } | null
  /** @param repeats the receipt of the first publish; null if the event was stored now */
  readonly confirm: (repeats: Receipt | null) => void
  readonly refuse: (error: unknown) => void
}

/**
 * Makes the request to store an event on these queues.
 * @param isRecorded whether a history records what became of it
 */
export function pendingPublish(
  event: Event,
  options: PublishOptions,
  queues: readonly Queue[],
  isRecorded: boolean,
  confirm: PendingPublish["confirm"],
  refuse: PendingPublish["refuse"],
): PendingPublish {
  const { once } = options
  const body = JSON.stringify(event)
  const layout = isRecorded ? layoutOf(event, body) : null
  return {
    stored: { body, trace: encodeOrigin(options), layout },
    routingKey: event.routing_key,
    priority: orderLevel(event),
    queues,
    once: once ? { by: once, receipt: event } : null,
    confirm,
    refuse,
  }
}
