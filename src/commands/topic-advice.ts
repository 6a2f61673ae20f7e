import { EVENT_TYPES } from "../event/event-type.ts"
import { patternsOverlap } from "../event/topic-overlap.ts"

/** The first word of every topic that the service makes itself. */
const PREFIX = "events."

/**
 * Says which of these topic patterns no event can have, because no queue takes one, and what was probably meant. Null if
 * all of them can match.
 * @param bindings the patterns of all queues: an event that matches none is not stored
 */
export function adviseOnTopics(topics: readonly string[], bindings: readonly string[]): string | null {
  const canMatch = (topic: string): boolean => bindings.some((each) => patternsOverlap(each, topic))
  const advice = topics.flatMap((topic) => {
    const nearest = nearestTopic(topic)
    if (nearest !== null && isType(topic)) {
      return `${topic} is only the topic of these two words; for all events of the type, use ${nearest}`
    }
    if (canMatch(topic)) return []
    const suggestion = nearest !== null && canMatch(nearest) ? `; did you mean ${nearest}?` : ""
    return `no queue takes events with the topic ${topic}, so none will be shown${suggestion}`
  })
  return advice.length === 0 ? null : advice.join("; ")
}

/** Returns true for the topic of a type, `events.voice`. The topics of its events have a name behind it. */
const isType = (topic: string): boolean => EVENT_TYPES.some((type) => topic === `${PREFIX}${type}`)

/** The topic that was probably meant: with the prefix, and all events of a type. Null if it is the same. */
function nearestTopic(topic: string): string | null {
  const prefixed = topic.startsWith(PREFIX) ? topic : `${PREFIX}${topic}`
  const nearest = isType(prefixed) ? `${prefixed}.#` : prefixed
  return nearest === topic ? null : nearest
}
