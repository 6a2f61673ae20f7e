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

const PREFIX = "events."

/** The topic of an event that names none. */
export const defaultRoutingKey = (type: string, name: string): string => `${PREFIX}${type}.${name}`

/** Returns whether a routing key is the one of an event that names none. It makes no text of its own: it is asked for each event. */
export const isDefaultRoutingKey = (key: string, type: string, name: string): boolean =>
  key.length === PREFIX.length + type.length + 1 + name.length &&
  key.startsWith(PREFIX) &&
  key.startsWith(type, PREFIX.length) &&
  key.startsWith(".", PREFIX.length + type.length) &&
  key.endsWith(name)
