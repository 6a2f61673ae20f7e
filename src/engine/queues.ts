import { EVENT_TYPES } from "../event/event-type.ts"
import type { QueueDeclaration } from "./engine.ts"

/** Limits of every queue, whether predefined or declared by a handler module. */
export type QueueLimits = Pick<QueueDeclaration, "ttlMs" | "maxLength" | "overflow">

/** Returns the five predefined queues, one for each event type. */
export function predefinedQueues(limits: QueueLimits): readonly QueueDeclaration[] {
  return EVENT_TYPES.map((type) => ({ name: `${type}_events`, bindings: [`events.${type}.#`], ...limits }))
}
