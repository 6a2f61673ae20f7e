import type { DeadLetterFailure } from "../event/failure.ts"
import { isWithin, type RoutingSpace } from "../event/routing-space.ts"
import { decodeEvent } from "../event/validate.ts"
import type { DeadLetterSelection } from "./dead-letter.ts"

/** The part of a dead letter that a selection checks. */
interface Selectable {
  readonly body: string
  readonly failure: Pick<DeadLetterFailure, "reason" | "lastFailedAt">
}

/** Returns a function that checks whether a dead letter is selected. The caller applies the limit. */
export function matcherOf({
  ids,
  reason,
  name,
  within,
  lastFailedAt,
}: Omit<DeadLetterSelection, "limit">): (letter: Selectable) => boolean {
  const wanted = ids === undefined ? null : new Set<unknown>(ids)
  return (letter) => {
    if (reason !== undefined && letter.failure.reason !== reason) return false
    if (lastFailedAt !== undefined && letter.failure.lastFailedAt !== lastFailedAt) return false
    if (within !== undefined && !liesWithin(within, letter)) return false
    // Most selections name no events; the body, which can be large, is then not parsed.
    if (wanted === null && name === undefined) return true
    const event = parse(letter.body)
    return (wanted?.has(event.id) ?? true) && (name === undefined || event.name === name)
  }
}

/** Returns whether a dead letter is an intact event whose routing key is in the space. */
function liesWithin(space: RoutingSpace, { body, failure }: Selectable): boolean {
  // The disk may have changed the routing key.
  if (failure.reason === "corrupt") return false
  try {
    return isWithin(space, decodeEvent(body).routing_key)
  } catch {
    // A message of another program, whose routing key can't be trusted.
    return false
  }
}

/** Returns an empty object if the body is not an event. */
function parse(body: string): { readonly id?: unknown; readonly name?: unknown } {
  try {
    const event: unknown = JSON.parse(body)
    if (typeof event === "object" && event !== null) return event
  } catch {
    // A message of another program. It can be selected by its reason only, or with all others.
  }
  return {}
}
