import type { AttemptLog } from "./attempt-log.ts"
import type { Event } from "./envelope.ts"
import type { DeadLetterReason, ErrorSummary, RetryReason } from "./failure.ts"

/** A fact about an event: one line of the history, to which lines are only ever appended. Times are in milliseconds since the epoch. */
export type HistoryFact =
  | PublishedFact
  | RefusedFact
  | UnconfirmedFact
  | AttemptFact
  | DeadLetteredFact
  | RedrivenFact
  | ReplayedFact
  | PurgedFact

/** An event was stored on its queues. */
export interface PublishedFact {
  readonly fact: "published"
  readonly at: number
  readonly queues: readonly string[]
  readonly event: Event
  /** The event's payload and metadata are left out, because the list of facts could not take them. */
  readonly is_cut?: true
  /** `traceparent` of the trace that it was published in. */
  readonly trace?: string
  /** Id of the event whose handler published it. */
  readonly caused_by?: string
  /** Present if the publish can be repeated, on an engine whose instances learn it from each other. */
  readonly once?: OnceFact
}

/** The marks by which a repetition of a publish is recognized. */
export interface OnceFact {
  readonly marks: readonly {
    readonly by: "request" | "key" | "id"
    readonly hash: string
    readonly fingerprint: string | null
  }[]
  /** End of the window of time in which it is recognized. */
  readonly until: number
}

/** The publish that the last `published` fact of this event tells of was refused after all: no queue has stored it. */
export interface RefusedFact {
  readonly fact: "refused"
  readonly at: number
  readonly id: string
}

/**
 * The outcome of the publish that the last `published` fact of this event tells of is unknown: the engine did not say in time
 * whether the event is on its queues.
 */
export interface UnconfirmedFact {
  readonly fact: "unconfirmed"
  readonly at: number
  readonly id: string
}

/** A handler's run ended. */
export interface AttemptFact {
  readonly fact: "attempt"
  /** When it ended. */
  readonly at: number
  readonly id: string
  /** When the event was published, by its own timestamp. */
  readonly published_at?: number
  readonly queue: string
  /** 1 for the first. */
  readonly attempt: number
  readonly duration_ms: number
  readonly outcome: "handled" | "retry" | "dead-letter"
  /** Absent if it was handled. */
  readonly reason?: RetryReason | DeadLetterReason
  readonly error?: ErrorSummary
  /** When the next attempt is due, if there is one. */
  readonly next_at?: number
  /** File of the handler module, and the key of its function. */
  readonly module: string
  readonly handler: string
  readonly generation: string
  /** Id of the replay that delivered the event; absent for other deliveries. */
  readonly replay?: string
  /** The last lines that the run wrote to the log; absent if it wrote none. */
  readonly log?: AttemptLog
  /** The event, if another program published it: there is no other record of it. */
  readonly event?: Event
}

/** An event became a dead letter without a run: it expired, left a full queue, or nothing could handle it. */
export interface DeadLetteredFact {
  readonly fact: "dead-lettered"
  readonly at: number
  readonly id: string
  readonly queue: string
  readonly reason: DeadLetterReason
  readonly error?: ErrorSummary
  /** As in an attempt. */
  readonly event?: Event
}

/** A dead letter returned to its queue. */
export interface RedrivenFact {
  readonly fact: "redriven"
  readonly at: number
  readonly id: string
  readonly queue: string
  /** Present if its payload or metadata was edited before. */
  readonly edited?: {
    /** When the dead letter failed last. */
    readonly failed_at: number
    readonly fingerprint: string
  }
  /** The event as it was edited. */
  readonly event?: Event
}

/** A past event was put on a queue again. */
export interface ReplayedFact {
  readonly fact: "replayed"
  readonly at: number
  readonly id: string
  readonly queue: string
  /** Id of the replay. */
  readonly replay: string
}

/** Events were deleted. */
export interface PurgedFact {
  readonly fact: "purged"
  readonly at: number
  readonly queue: string
  readonly from: "queue" | "dead-letters"
  /** Absent if everything that was there is gone. */
  readonly ids?: readonly string[]
}

/** Runs of one function that were handled, an `attempt` fact for each: those of one turn of the event loop are brought together. */
export interface HandledFact extends Pick<AttemptFact, "queue" | "module" | "handler" | "generation"> {
  readonly fact: "handled"
  /** When the first of them ended. */
  readonly at: number
  readonly runs: readonly HandledRun[]
}

/** An `attempt` fact's `id`, `at`, `published_at` or null, `attempt` and `duration_ms`. */
export type HandledRun = readonly [
  id: string,
  at: number,
  publishedAt: number | null,
  attempt: number,
  durationMs: number,
]

/** Returns the facts that a `handled` fact stands for. */
export const attemptsOf = ({ runs, queue, module, handler, generation }: HandledFact): AttemptFact[] =>
  runs.map(([id, at, published_at, attempt, duration_ms]) => ({
    fact: "attempt",
    at,
    id,
    ...(published_at !== null && { published_at }),
    queue,
    attempt,
    duration_ms,
    outcome: "handled",
    module,
    handler,
    generation,
  }))

/**
 * Events were stored on their queues, one `published` fact for each. Their bodies are in the engine's store, which has
 * them under the numbers from `first` to `last`, with other numbers between. Only the batches of an engine with such a
 * store have these lines.
 */
export interface StoredFact extends Pick<PublishedFact, "at" | "queues"> {
  readonly fact: "stored"
  readonly first: number
  readonly last: number
}

/**
 * Facts are missing: those from `since` to `at`, or before `at`. Only the batches of an engine that stores its facts
 * itself have these lines.
 */
export interface GapFact {
  readonly fact: "gap"
  readonly at: number
  /** Null if it is unknown. */
  readonly since: number | null
  /** True if they are missing from then on, until another fact of a gap. */
  readonly is_open: boolean
  /** Why, in words. */
  readonly reason: string
}

/** Facts that are stored together, and applied together or not at all. */
export interface FactBatch {
  /** Distinguishes it from every other batch, so that one that arrives twice is applied once. */
  readonly token: string
  /** Place of the batch in the list, as text of the engine's own. */
  readonly position: string
  /** A line of JSON for each fact. */
  readonly text: string
  /** Length of the events that the text refers to, in bytes. Default: 0. */
  readonly eventsLength?: number
  /** This process wrote the text, and has validated the events in it. Default: false. */
  readonly isOwn?: boolean
}

/** Returns the length of a batch with the events that it refers to: at least its UTF-16 code units, at most its bytes. */
export const lengthOf = ({ text, eventsLength = 0 }: FactBatch): number => text.length + eventsLength

/** Separates facts in a batch. JSON contains no line break. */
const LINE_BREAK = "\n"

/** Returns the text of a batch with these lines. */
export const joinLines = (lines: readonly string[]): string => lines.join(LINE_BREAK)

/** Returns a fact as a line. An event of another program that nests too deep to be written is left out. */
export function factLine(fact: HistoryFact): string {
  try {
    return JSON.stringify(fact)
  } catch (error) {
    if (!("event" in fact)) throw error
    return JSON.stringify({ ...fact, event: undefined })
  }
}

/** Returns a fact of the embedded engine as a line. */
export const engineLine = (fact: StoredFact | HandledFact | GapFact): string => JSON.stringify(fact)

/** The line of a `published` fact: its beginning, its event as JSON in UTF-8, and a closing brace. */
export interface PublishedLine {
  readonly head: string
  readonly event: Uint8Array
}

/**
 * Returns the line of a `published` fact, without serializing the event again.
 * @param event its JSON in UTF-8
 * @param details the optional fields of the fact as JSON: an object
 */
export const publishedLine = (
  { at, queues }: Pick<PublishedFact, "at" | "queues">,
  event: Uint8Array,
  details: string | null,
): PublishedLine => {
  const names = queues.length === 1 ? `"${queues[0]}"` : JSON.stringify(queues).slice(1, -1)
  const rest = details === null ? "" : `,${details.slice(1, -1)}`
  return { head: `{"fact":"published","at":${at},"queues":[${names}]${rest},"event":`, event }
}
