import { EVENT_TYPES } from "../event/event-type.ts"
import { withoutType } from "../event/repeated-type.ts"
import { didYouMean, suggest } from "../event/suggestion.ts"
import { patternsOverlap } from "../event/topic-overlap.ts"

/** The first word of every topic that the service makes itself. */
const PREFIX = "events."

const PREFIX_START = /^events\./

/** A pattern of two words that looks as if it took all events. */
const SHORT_PATTERN = `${PREFIX}*`

/** Words joined by dots, as in the name of an event. */
const LIKE_A_NAME = /^[\w-]+(\.[\w-]+)*$/

/** A queue with its patterns. */
interface Queue {
  readonly name: string
  readonly bindings: readonly string[]
}

/** Words that only a pattern has, and an event has not. */
const WILDCARDS = /[*#]/

/**
 * Says which of these topic patterns no event can have, because no queue takes one, or which have their type twice, and what
 * was probably meant. Empty if all of them can match.
 * @param queues all queues: an event that none of their patterns matches is not stored
 */
export function adviseOnTopics(topics: readonly string[], queues: readonly Queue[]): readonly string[] {
  const bindings = queues.flatMap((queue) => queue.bindings)
  const canMatch = (topic: string): boolean => bindings.some((each) => patternsOverlap(each, topic))
  // Only a whole topic can be the right form of a mistyped one.
  const exact = bindings.filter((each) => !WILDCARDS.test(each))
  return topics.flatMap((topic) => {
    if (topic === SHORT_PATTERN) {
      return `${topic} takes topics of two words, and those of events have three or more; did you mean ${PREFIX}#?`
    }
    const partial = topic.split(".").find((word) => word.length > 1 && WILDCARDS.test(word))
    if (partial !== undefined) {
      return `in ${topic}, ${partial} is no wildcard: * stands for one whole word, and # for any number of words`
    }
    const nearest = nearestTopic(topic)
    if (nearest !== null && isType(topic)) {
      return `${topic} is only the topic of these two words; for all events of the type, use ${nearest}`
    }
    const once = withoutSecondType(topic)
    if (once !== null) return `${topic} repeats its beginning; did you mean ${once}?`
    if (canMatch(topic)) return []
    const suggestion =
      nearest !== null && canMatch(nearest)
        ? `; did you mean ${nearest}?`
        : didYouMean(topic, exact) || didYouMean(nearest ?? topic, exact) || otherTopic(topic, queues)
    return `no queue takes events with the topic ${topic}, so none will be shown${suggestion}`
  })
}

/**
 * Ends a message with the topic that was probably meant by the name of a queue, by a mistyped type, or by the name of an
 * event; empty if it was none of these.
 */
function otherTopic(topic: string, queues: readonly Queue[]): string {
  const queue = queues.find(({ name }) => name === topic)
  if (queue?.bindings[0] !== undefined) return `; for the events of this queue, use ${queue.bindings[0]}`
  const [first = "", ...rest] = topic.replace(PREFIX_START, "").split(".")
  const type = suggest(first, EVENT_TYPES)
  if (type !== null)
    return `; did you mean ${PREFIX}${[type, ...(rest.length > 0 ? rest : ["#"])].join(".")}?`
  return LIKE_A_NAME.test(topic) ? `; for an event of this name, use ${PREFIX}*.${topic}` : ""
}

/** Returns true for the topic of a type, `events.voice`. The topics of its events have a name behind it. */
const isType = (topic: string): boolean => EVENT_TYPES.some((type) => topic === `${PREFIX}${type}`)

/** The topic that was probably meant: with the prefix, and all events of a type. Null if it is the same. */
function nearestTopic(topic: string): string | null {
  // One word stands for no topic of an event: those have three or more.
  if (topic === "*") return `${PREFIX}#`
  const prefixed = topic.startsWith(PREFIX) ? topic : `${PREFIX}${topic}`
  const nearest = isType(prefixed) ? `${prefixed}.#` : prefixed
  return nearest === topic ? null : nearest
}

/** Returns `events.voice.ended` for `events.voice.voice.ended`; null for a topic that has its beginning once. */
function withoutSecondType(topic: string): string | null {
  const type = EVENT_TYPES.find((each) => topic.startsWith(`${PREFIX}${each}.`))
  if (type === undefined) return null
  const start = `${PREFIX}${type}.`
  const name = withoutType(topic.slice(start.length), [type])
  return name === null ? null : start + name
}
