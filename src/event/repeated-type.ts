import { EVENT_TYPES } from "./event-type.ts"
import { defaultRoutingKey } from "./routing-space.ts"

/**
 * Returns a name without the type, or the beginning of a default topic, that was written in front of it: `call.ended` for
 * `voice.call.ended` and `events.voice.call.ended`. Returns null if there is neither.
 * @param types the types that the event may have
 */
export function withoutType(name: string, types: readonly string[]): string | null {
  const [first = "", ...rest] = name.split(".")
  const end = rest.join(".")
  if (end === "") return null
  if (types.includes(first)) return end
  return first === "events" ? (withoutType(end, types) ?? end) : null
}

/** Ends a message about an event that no queue takes with the probable mistake in its name or topic; empty if there is none. */
export function adviseOnTopic({
  type,
  name,
  routing_key,
}: Readonly<Record<"type" | "name" | "routing_key", string>>): string {
  const meant = withoutType(name, [type])
  if (meant !== null) return `; the name repeats the type: did you mean the name ${meant}?`
  const end = withoutType(routing_key, EVENT_TYPES)
  const isTopic = routing_key.startsWith("events.")
  return end === null || isTopic
    ? ""
    : `; did you mean ${defaultRoutingKey(routing_key.split(".")[0] ?? "", end)}?`
}
