import type { QueueStats } from "../engine/engine.ts"
import { counted } from "../event/counted.ts"

/** A queue that nothing consumes, in no process. */
export interface Unconsumed {
  readonly stats: QueueStats
  /**
   * `orphaned`: no handler module here names it, and it is not predefined. `paused`: its module is paused on this
   * instance. `held`: no handler module here names it, and another instance has paused it. `no-module`: a predefined queue without a module.
   */
  readonly reason: "orphaned" | "paused" | "held" | "no-module"
  /** Modules that have bound another queue to events of this one, which gets a copy of each. */
  readonly copiedFor: readonly string[]
  /** True if other instances may use the queue. One of them may have paused it, and not be able to show it. */
  readonly isShared: boolean
}

/** Most queues that a fault names. */
const MAX_NAMED = 10

/** Parts of the limit, in percent, at which a queue that nothing consumes is logged. */
const LEVELS = [100, 80, 50]

/** Returns the highest level that a queue has reached; 0 if it is below all. */
export const fillLevel = ({ messageCount, maxLength }: QueueStats): number =>
  LEVELS.find((level) => messageCount * 100 >= maxLength * level) ?? 0

const isFull = (stats: QueueStats): boolean => fillLevel(stats) === 100

/** Says how full a queue is, to continue a sentence. */
export function waitingIn(stats: QueueStats): string {
  const { messageCount, maxLength, overflow } = stats
  const share = `${messageCount} of ${maxLength} events wait`
  if (!isFull(stats)) return `has reached ${fillLevel(stats)} % of its limit (${share})`
  const effect = overflow === "reject-publish" ? "refuses events" : "makes its oldest events dead letters"
  return `is full and ${effect} (${share})`
}

/** Explains why nothing consumes a queue, and what to do about it. */
export function explainUnconsumed(queue: Unconsumed): string {
  const {
    stats: { name },
    reason,
    copiedFor,
  } = queue
  switch (reason) {
    case "orphaned":
      return explainOrphaned(queue)
    case "paused":
      return `nothing consumes ${name}, because it is paused: resume it`
    case "held":
      return `nothing consumes ${name}, because another instance has paused it: resume it there`
    case "no-module":
      return (
        `nothing consumes ${name}${explainCopies(copiedFor)}: add a handler module for it, where on: { "*"() {} } ` +
        `discards what no other function takes, or empty it with "event-broker queues purge ${name}"`
      )
  }
}

/** Advises to delete what the queue holds only with its number, and not what another instance may need. */
function explainOrphaned({ stats, isShared }: Unconsumed): string {
  const { name, bindings, messageCount, deadLetterCount } = stats
  const isBound = bindings.length > 0
  const noModule = `no handler module in use${isShared ? " on this instance" : ""} names it`
  const receives = isBound ? ", and it still receives the events of its patterns" : ""
  const resume = isShared ? "resume it if another instance has paused it, " : ""
  const unbind = isBound ? `end that with "event-broker queues unbind ${name}", ` : ""
  const holds = `${counted(messageCount, "event")} and ${counted(deadLetterCount, "dead letter")}`
  const or = isShared ? "or, if no instance needs it," : "or"
  const remove =
    messageCount + deadLetterCount > 0
      ? `delete it with its ${holds}: "event-broker queues delete ${name} --force"`
      : `delete it: "event-broker queues delete ${name}"`
  return `nothing consumes ${name}, because ${noModule}${receives}: ${resume}add its module again, ${unbind}${or} ${remove}`
}

/** Names predefined queues without a module, and says why they fill and what to do about it. */
export function explainUnhandled(queues: readonly Unconsumed[]): string {
  const names = queues.map(({ stats }) => stats.name).join(", ")
  const modules = new Set(queues.flatMap(({ copiedFor }) => copiedFor))
  return (
    `${names}${explainCopies([...modules])}: events wait there until they expire or the queue is full; ` +
    `add a module for ${queues.length === 1 ? "it" : "each of them"}, or one with on: { "*"() {} } that discards the events`
  )
}

const explainCopies = (modules: readonly string[]): string =>
  modules.length === 0
    ? ""
    : ` (copies of events that ${modules.join(" and ")} binds to another queue arrive there)`

/**
 * Names the queues that need an operator: those that are orphaned and bound, predefined queues without a module
 * that hold events, and those that are full. Null if there are none.
 */
export function describeFaults(queues: readonly Unconsumed[]): string | null {
  const faulty = queues.filter(
    ({ stats, reason }) =>
      isFull(stats) ||
      (reason === "orphaned" && stats.bindings.length > 0) ||
      (reason === "no-module" && stats.messageCount > 0),
  )
  if (faulty.length === 0) return null
  const named = faulty.slice(0, MAX_NAMED).map(({ stats, reason }) => {
    const { name, messageCount, maxLength } = stats
    const isAlsoFull = isFull(stats)
    const ownState = stateOf(reason, isAlsoFull)
    const state = isAlsoFull ? `is full and ${ownState}` : ownState
    return `${name} ${state} (${messageCount} of ${maxLength} events wait)`
  })
  const more = faulty.length - named.length
  return named.join("; ") + (more > 0 ? `; and ${more} more` : "")
}

/** Completes "the queue …", or "the queue is full and …". */
function stateOf(reason: Unconsumed["reason"], isAlsoFull: boolean): string {
  if (reason === "no-module") return "has no handler module"
  const state = reason === "held" ? "paused by another instance" : reason
  return isAlsoFull ? state : `is ${state}`
}
