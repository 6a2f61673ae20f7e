import type { FailureReason } from "../event/failure.ts"
import { isWithin, type RoutingSpace } from "../event/routing-space.ts"
import { decodeEvent } from "../event/validate.ts"
import type { DeadLetterSelection } from "./engine.ts"

/** What a selection has to know of a dead letter. */
interface Selectable {
  readonly body: string
  readonly reason: FailureReason
}

/** Whether a dead letter is one of those that a selection means. The caller counts up to its limit. */
export function matcherOf({
  ids,
  reason,
  name,
  within,
}: Omit<DeadLetterSelection, "limit">): (letter: Selectable) => boolean {
  const wanted = ids === undefined ? null : new Set<unknown>(ids)
  return (letter) => {
    if (reason !== undefined && letter.reason !== reason) return false
    if (within !== undefined && !liesWithin(within, letter)) return false
    // Most selections mean no single events; then the body, which can be large, is not read.
    if (wanted === null && name === undefined) return true
    const event = parse(letter.body)
    return (wanted?.has(event.id) ?? true) && (name === undefined || event.name === name)
  }
}

/** Whether a dead letter is an event as it was stored, and its routing key lies in the space. */
function liesWithin(space: RoutingSpace, { body, reason }: Selectable): boolean {
  // What the disk changed may be the routing key.
  if (reason === "corrupt") return false
  try {
    return isWithin(space, decodeEvent(body).routing_key)
  } catch {
    // Another program's message, which has no routing key that can be trusted.
    return false
  }
}

/** Empty for what is not an event. */
function parse(body: string): { readonly id?: unknown; readonly name?: unknown } {
  try {
    const event: unknown = JSON.parse(body)
    if (typeof event === "object" && event !== null) return event
  } catch {
    // Another program's message; it is selected by its reason, or with all the others.
  }
  return {}
}
