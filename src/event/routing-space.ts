import type { EventType } from "./event-type.ts"

/**
 * A part of all routing keys, given by its roots: it has each root, and every key that continues a root with a dot.
 * The roots `["events.voice"]` have `events.voice` and `events.voice.call.ended`, and not `events.voicemail`.
 */
export type RoutingSpace = readonly string[]

/** The space of these types of event: `events.<type>` and below. */
export const spaceOf = (types: readonly EventType[]): RoutingSpace => types.map((type) => `events.${type}`)

/**
 * Whether a routing key lies in a space; or a topic pattern, with every key that it matches: a root has no wildcards,
 * and a pattern that begins with literal words matches only keys that begin with the same words.
 */
export const isWithin = (space: RoutingSpace, keyOrPattern: string): boolean =>
  space.some((root) => keyOrPattern === root || keyOrPattern.startsWith(`${root}.`))
