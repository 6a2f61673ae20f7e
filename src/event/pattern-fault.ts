import { EVENT_TYPES } from "./event-type.ts"
import { defaultRoutingKey } from "./routing-space.ts"
import { distance, suggest } from "./suggestion.ts"
import { patternsOverlap } from "./topic-overlap.ts"
import { splitWords } from "./topic-words.ts"

/** Why a topic pattern matches fewer events than its author probably meant. */
export interface PatternFault {
  readonly message: string
  /** True for a probable mistake. False for a pattern that takes only events whose publisher sets a `routing_key`. */
  readonly isMistake: boolean
}

/** The first word of every topic that no publisher has set. */
const ROOT = "events"

/** Errors in a word that still count as a typo. */
const MAX_ERRORS = 2

const DEFAULT_TOPIC = `events.<type>.<name>, with the types ${EVENT_TYPES.join(", ")}`

/** Makes the fault of a probable mistake, with the pattern that was probably meant. */
export const mistake = (message: string, nearest?: string): PatternFault => ({
  message: nearest === undefined ? message : `${message}; did you mean ${nearest}?`,
  isMistake: true,
})

/**
 * Explains why no event has a topic of this pattern, unless its publisher sets it; null if events have.
 * @param topics topics of events that are known
 */
export function explainPattern(pattern: string, topics: readonly string[]): PatternFault | null {
  const words = splitWords(pattern)
  const half = words.find((word) => word.length > 1 && /[*#]/.test(word))
  if (half !== undefined) {
    return mistake(`${half} is not a wildcard: * stands for one whole word, and # for any number of words`)
  }
  if (words.includes("")) return mistake("it has an empty word: a dot is doubled, or at an end")
  if (takesDefaultTopic(pattern)) return null
  const nearest = withDefaultBeginning(words, topics)
  const reason = `topics are ${DEFAULT_TOPIC}, unless a publisher sets a routing_key`
  return nearest === null ? { message: reason, isMistake: false } : mistake(reason, nearest)
}

/** Returns true if the topic of some event without a `routing_key` matches. */
const takesDefaultTopic = (pattern: string): boolean =>
  EVENT_TYPES.some((type) => patternsOverlap(pattern, defaultRoutingKey(type, "*.#")))

/** Corrects the first words of a pattern, or finds the topic that ends with it; null if neither helps. */
function withDefaultBeginning(words: readonly string[], topics: readonly string[]): string | null {
  const [first = "", second = "", ...rest] = words
  const isRoot = distance(first.toLowerCase(), ROOT) <= MAX_ERRORS
  const begun = isRoot ? [ROOT, suggest(second, EVENT_TYPES) ?? second, ...rest] : [ROOT, ...words]
  const candidates = [begun.join("."), [...begun, "#"].join(".")]
  const end = `.${words.slice(isRoot ? 1 : 0).join(".")}`
  return candidates.find(takesDefaultTopic) ?? topics.find((topic) => topic.endsWith(end)) ?? null
}
