import type { EventType } from "./event-type.ts"

/**
 * A set of routing keys, given by roots: it contains each root and every key that continues a root after a
 * dot. The roots `["events.voice"]` contain `events.voice` and `events.voice.call.ended`, but not
 * `events.voicemail`.
 */
export type RoutingSpace = readonly string[]

/** Returns the space of these event types: `events.<type>` and below. */
export const spaceOf = (types: readonly EventType[]): RoutingSpace => types.map((type) => `events.${type}`)

/**
 * Returns whether a routing key is in the space; for a topic pattern, whether every key that it matches is.
 * Roots have no wildcards, and a pattern that begins with literal words matches only keys that begin with the
 * same words.
 */
export const isWithin = (space: RoutingSpace, keyOrPattern: string): boolean =>
  space.some((root) => keyOrPattern === root || keyOrPattern.startsWith(`${root}.`))

/** The topic of an event that names none. */
export const defaultRoutingKey = (type: string, name: string): string => `events.${type}.${name}`
