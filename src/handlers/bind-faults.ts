import { explainPattern, mistake, type PatternFault } from "../event/pattern-fault.ts"
import { defaultRoutingKey } from "../event/routing-space.ts"
import { distance, suggest } from "../event/suggestion.ts"
import { splitWords } from "../event/topic-words.ts"
import type { ModuleManifest } from "./manifest.ts"

/** A topic pattern that takes fewer events than its author probably meant. */
export interface BindFault {
  readonly file: string
  readonly queue: string
  readonly pattern: string
  readonly message: string
  /** True for a probable mistake. False for a pattern that takes only events whose publisher sets a `routing_key`. */
  readonly isMistake: boolean
}

interface KnownEvent {
  readonly type: string
  readonly name: string
}

/** Errors in a word that still count as a typo. A replaced letter counts twice: call.started is not call.stopped. */
const MAX_ERRORS = 2
const REPLACEMENT_ERRORS = 2

/**
 * Finds patterns that match no event with the default topic, `events.<type>.<name>`, and those whose literal name no
 * function takes. A publisher may set any routing key, and an event needs no schema, so a pattern is a mistake only if it
 * is near one that works.
 * @param known events that are known, such as those with a schema
 */
export function findBindFaults(
  manifests: readonly ModuleManifest[],
  known: readonly KnownEvent[],
): readonly BindFault[] {
  const topics = known.map(({ type, name }) => defaultRoutingKey(type, name))
  const handled = manifests.flatMap(({ names }) => names.filter((name) => name !== "*"))
  return manifests.flatMap(({ file, queue, bindings }) => {
    const names = manifests.filter((each) => each.queue === queue).flatMap((each) => each.names)
    return [...new Set(bindings ?? [])].flatMap((pattern) => {
      const fault = explainPattern(pattern, topics) ?? explainName(pattern, { queue, names, topics, handled })
      return fault === null ? [] : [{ file, queue, pattern, ...fault }]
    })
  })
}

interface KnownNames {
  readonly queue: string
  /** Names of the queue's functions. */
  readonly names: readonly string[]
  readonly topics: readonly string[]
  /** Names that functions of all modules take. */
  readonly handled: readonly string[]
}

/** Compares a name without wildcards with those that are known; null if nothing is wrong with it. */
function explainName(pattern: string, { queue, names, topics, handled }: KnownNames): PatternFault | null {
  const [, type = "", ...rest] = splitWords(pattern)
  const name = rest.join(".")
  if (name === "" || /[*#]/.test(pattern) || names.includes(name)) return null
  if (!names.includes("*")) {
    const reason = `no function for the queue ${queue} handles ${name}`
    const nearest = suggest(name, names)
    if (nearest !== null) return mistake(reason, defaultRoutingKey(type, nearest))
    return { message: `${reason}: an event of this name becomes a dead letter`, isMistake: false }
  }
  const known = [...topics, ...handled.map((each) => defaultRoutingKey(type, each))]
  const near = known.includes(pattern) ? undefined : known.find((each) => isTypo(pattern, each))
  return near === undefined ? null : mistake("no schema and no function names this event", near)
}

/** A number makes another name on purpose: step.2. */
const isTypo = (one: string, other: string): boolean =>
  one.replace(/\D/g, "") === other.replace(/\D/g, "") &&
  distance(one, other, REPLACEMENT_ERRORS) <= MAX_ERRORS
