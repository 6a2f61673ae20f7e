import { EVENT_TYPES } from "../event/event-type.ts"
import type { QueueDeclaration } from "./engine.ts"

/** What every queue has, predefined or a handler module's own. */
export type QueueLimits = Pick<QueueDeclaration, "ttlMs" | "maxLength" | "overflow">

/** The five queues that are always there, one for each type of event. */
export function predefinedQueues(limits: QueueLimits): readonly QueueDeclaration[] {
  return EVENT_TYPES.map((type) => ({ name: `${type}_events`, bindings: [`events.${type}.#`], ...limits }))
}
