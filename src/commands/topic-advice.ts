import { EVENT_TYPES } from "../event/event-type.ts"
import { withoutType } from "../event/repeated-type.ts"
import { didYouMean } from "../event/suggestion.ts"
import { patternsOverlap } from "../event/topic-overlap.ts"

/** The first word of every topic that the service makes itself. */
const PREFIX = "events."

/** Words that only a pattern has, and an event has not. */
const WILDCARDS = /[*#]/

/**
 * Says which of these topic patterns no event can have, because no queue takes one, or which have their type twice, and what
 * was probably meant. Empty if all of them can match.
 * @param bindings the patterns of all queues: an event that matches none is not stored
 */
export function adviseOnTopics(topics: readonly string[], bindings: readonly string[]): readonly string[] {
  const canMatch = (topic: string): boolean => bindings.some((each) => patternsOverlap(each, topic))
  // Only a whole topic can be the right form of a mistyped one.
  const exact = bindings.filter((each) => !WILDCARDS.test(each))
  return topics.flatMap((topic) => {
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
        : didYouMean(topic, exact) || didYouMean(nearest ?? topic, exact)
    return `no queue takes events with the topic ${topic}, so none will be shown${suggestion}`
  })
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
