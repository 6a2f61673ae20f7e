import { readAttemptLog } from "../event/attempt-log.ts"
import { isEventId, isTimestampMs } from "../event/envelope.ts"
import type { ErrorSummary } from "../event/failure.ts"
import { isJsonObject } from "../event/json-text.ts"
import { readTraceContext, traceIdOf } from "../event/trace-context.ts"
import {
  eventOf,
  type FactEvent,
  type ParsedLine,
  type PublicationHead,
  parseLine,
  plainLine,
} from "./fact-event.ts"
import type { Gap } from "./gaps.ts"
import type { AttemptRecord, EditRecord } from "./history-query.ts"
import { plainBody } from "./stored-body.ts"

/** A fact as the projection uses it: checked, with bounded texts. Times are whole milliseconds. */
export type ReadFact =
  | ReadPublished
  | ReadStored
  | ReadHandled
  | ReadOutcome
  | ReadAttempt
  | ReadDeadLettered
  | ReadReturn
  | ReadPurged
  | ReadGap

/** A fact that tells of one thing. */
export type SingleFact = Exclude<ReadFact, ReadStored | ReadHandled | ReadGap>

export interface ReadPublished extends FactEvent {
  readonly fact: "published"
  readonly at: number
  readonly queues: readonly string[]
  readonly traceId: string | null
  readonly causedBy: string | null
}

/** Publications whose events are in the engine's store. */
export interface ReadStored {
  readonly fact: "stored"
  readonly at: number
  readonly queues: readonly string[]
  readonly first: number
  readonly last: number
}

/** Runs of one function that were handled. */
export interface ReadHandled {
  readonly fact: "handled"
  readonly attempts: readonly ReadAttempt[]
}

/** How the newest publication with the id ended. */
export interface ReadOutcome {
  readonly fact: "refused" | "unconfirmed"
  readonly at: number
  readonly id: string
}

/** The common fields of all facts of one delivery. */
export interface OfDelivery {
  readonly at: number
  /** When the event was published, by its own word; null if the fact does not say. */
  readonly publishedAt: number | null
  readonly id: string
  readonly queue: string
}

export interface ReadAttempt extends OfDelivery, AttemptRecord {
  readonly fact: "attempt"
  readonly of: FactEvent | null
}

export interface ReadDeadLettered extends OfDelivery {
  readonly fact: "dead-lettered"
  readonly reason: string
  readonly error: ErrorSummary | null
  readonly of: FactEvent | null
}

/** The event waits again, after a redrive or for a replay. */
export interface ReadReturn extends OfDelivery {
  readonly fact: "redriven" | "replayed"
  /** Null for a redrive. */
  readonly replay: string | null
  /** The edit of a redrive; null if there was none. */
  readonly edit: EditRecord | null
}

export interface ReadPurged {
  readonly fact: "purged"
  readonly at: number
  readonly queue: string
  readonly from: "queue" | "dead-letters"
  /** Null if everything that was there is gone. */
  readonly ids: readonly string[] | null
}

export interface ReadGap extends Gap {
  readonly fact: "gap"
}

/** Longest text of a fact, such as a queue, a module or a key; longer ones are cut, or make it no fact. */
const MAX_TEXT_LENGTH = 1_024

/** Longest parts of an error in the history; they are cut. */
const MAX_ERROR_NAME_LENGTH = 200
const MAX_ERROR_MESSAGE_LENGTH = 2_000
const MAX_STACK_LENGTH = 4_000

/** Most queues of a published event. */
const MAX_QUEUES = 1_000

/**
 * Reads a line of facts. Returns null if it is not a fact that this version knows.
 * @param isOwn this process wrote it, so its event needs no check
 */
export function readFact(line: string, isOwn = false): ReadFact | null {
  return (isOwn ? readOwnPublication(line) : null) ?? readAnyFact(line)
}

function readAnyFact(line: string): ReadFact | null {
  const parsed = parseLine(line)
  if (parsed === null) return null
  const { fact, at } = parsed.fact
  if (typeof at !== "number" || !isTimestampMs(at)) return null
  const time = Math.round(at)
  switch (fact) {
    case "published":
      return readPublished(parsed, time)
    case "stored":
      return readStored(parsed, time)
    case "handled":
      return readHandled(parsed)
    case "refused":
    case "unconfirmed":
      return readOutcome(parsed, fact, time)
    case "attempt":
      return readAttempt(parsed, time)
    case "dead-lettered":
      return readDeadLettered(parsed, time)
    case "redriven":
    case "replayed":
      return readReturn(parsed, fact, time)
    case "purged":
      return readPurged(parsed, time)
    case "gap":
      return readGap(parsed, time)
    default:
      return null
  }
}

function readOutcome(
  { fact: { id } }: ParsedLine,
  fact: ReadOutcome["fact"],
  at: number,
): ReadOutcome | null {
  return isId(id) ? { fact, at, id } : null
}

function readStored({ fact: { queues, first, last } }: ParsedLine, at: number): ReadStored | null {
  if (!areQueues(queues) || !isCount(first) || !isCount(last) || last < first) return null
  return { fact: "stored", at, queues, first, last }
}

function readGap({ fact: { since, is_open: isOpen, reason } }: ParsedLine, until: number): ReadGap | null {
  if (typeof isOpen !== "boolean") return null
  if (!isText(reason) || (since !== null && !(typeof since === "number" && isTimestampMs(since)))) return null
  return { fact: "gap", since, until, isOpen, reason }
}

function readPublished(parsed: ParsedLine, at: number): ReadPublished | null {
  const of = eventOf(parsed)
  if (of === null) return null
  const { queues, trace, caused_by, is_cut } = parsed.fact
  return published({ at, queues, trace, caused_by }, is_cut === true ? { ...of, body: null } : of)
}

/**
 * Reads the line of a publication that this process wrote. Returns null for any other, and if its event needs unescaping.
 * The event was validated when it was published, so it is not parsed again: that takes longer than all the rest.
 */
function readOwnPublication(line: string): ReadPublished | null {
  const plain = plainLine(line)
  const event = plain && plainBody(plain.body)
  if (plain === null || event === null || !isTimestampMs(plain.head.at)) return null
  return published(plain.head, { event: event.event, body: plain.body, stored: event.rest })
}

function published({ at, queues, trace, caused_by }: PublicationHead, of: FactEvent): ReadPublished | null {
  if (!areQueues(queues)) return null
  const context = trace === undefined ? null : readTraceContext(trace, null)
  return {
    fact: "published",
    at: Math.round(at),
    event: of.event,
    body: of.body,
    stored: of.stored,
    queues,
    traceId: context === null ? null : traceIdOf(context),
    causedBy: isId(caused_by) ? caused_by : null,
  }
}

function readAttempt(parsed: ParsedLine, at: number): ReadAttempt | null {
  const delivery = readDelivery(parsed, at)
  const { attempt, duration_ms, outcome, reason, error, next_at, module, handler, generation, replay, log } =
    parsed.fact
  if (delivery === null || !isCount(attempt) || !isDuration(duration_ms) || !isOutcome(outcome)) return null
  return {
    fact: "attempt",
    at: delivery.at,
    publishedAt: delivery.publishedAt,
    id: delivery.id,
    queue: delivery.queue,
    attempt,
    durationMs: duration_ms,
    outcome,
    reason: textOrNull(reason),
    error: readError(error),
    nextAt: typeof next_at === "number" && isTimestampMs(next_at) ? Math.round(next_at) : null,
    module: textOrNull(module) ?? "",
    handler: textOrNull(handler) ?? "",
    generation: textOrNull(generation) ?? "",
    replay: textOrNull(replay),
    log: log === undefined ? null : readAttemptLog(log),
    of: eventWith(delivery.id, parsed),
  }
}

function readHandled({ fact }: ParsedLine): ReadHandled | null {
  const { runs, queue } = fact
  if (!isText(queue) || !Array.isArray(runs)) return null
  const of = {
    fact: "attempt",
    queue,
    outcome: "handled",
    reason: null,
    error: null,
    nextAt: null,
    module: textOrNull(fact["module"]) ?? "",
    handler: textOrNull(fact["handler"]) ?? "",
    generation: textOrNull(fact["generation"]) ?? "",
    replay: null,
    log: null,
    of: null,
  } as const
  const attempts = runs.flatMap((run) => readRun(run, of) ?? [])
  return attempts.length === runs.length ? { fact: "handled", attempts } : null
}

function readRun(
  run: unknown,
  of: Omit<ReadAttempt, "id" | "at" | "publishedAt" | "attempt" | "durationMs">,
): ReadAttempt | null {
  if (!Array.isArray(run)) return null
  const [id, at, published, attempt, durationMs]: readonly unknown[] = run
  if (!isId(id) || typeof at !== "number" || !isTimestampMs(at)) return null
  if (!isCount(attempt) || !isDuration(durationMs)) return null
  const publishedAt = typeof published === "number" ? published : null
  return { ...of, id, at: Math.round(at), publishedAt, attempt, durationMs }
}

function readDeadLettered(parsed: ParsedLine, at: number): ReadDeadLettered | null {
  const delivery = readDelivery(parsed, at)
  const { reason, error } = parsed.fact
  if (delivery === null || !isText(reason)) return null
  return {
    fact: "dead-lettered",
    ...delivery,
    reason,
    error: readError(error),
    of: eventWith(delivery.id, parsed),
  }
}

function readReturn(parsed: ParsedLine, fact: ReadReturn["fact"], at: number): ReadReturn | null {
  const delivery = readDelivery(parsed, at)
  const replay = textOrNull(parsed.fact["replay"])
  if (delivery === null || (fact === "replayed" && replay === null)) return null
  const edit = fact === "redriven" ? readEdit(parsed) : null
  return { fact, ...delivery, replay: fact === "replayed" ? replay : null, edit }
}

function readEdit({ fact: { edited }, body }: ParsedLine): EditRecord | null {
  if (!isJsonObject(edited)) return null
  const { failed_at, fingerprint } = edited
  if (typeof failed_at !== "number" || !isText(fingerprint)) return null
  return { failedAt: failed_at, fingerprint, body }
}

function readPurged({ fact }: ParsedLine, at: number): ReadPurged | null {
  const { queue, from, ids } = fact
  if (!isText(queue) || (from !== "queue" && from !== "dead-letters")) return null
  if (ids === undefined) return { fact: "purged", at, queue, from, ids: null }
  return Array.isArray(ids) ? { fact: "purged", at, queue, from, ids: ids.filter(isId) } : null
}

function readDelivery({ fact }: ParsedLine, at: number): OfDelivery | null {
  const { id, queue, published_at: published } = fact
  if (!isId(id) || !isText(queue)) return null
  return { at, publishedAt: typeof published === "number" ? published : null, id, queue }
}

/** Returns the event of a fact if it is the one with this id. */
function eventWith(id: string, parsed: ParsedLine): FactEvent | null {
  const of = eventOf(parsed)
  return of?.event.id === id ? of : null
}

function readError(error: unknown): ErrorSummary | null {
  if (!isJsonObject(error)) return null
  const { name, message, stack } = error
  if (typeof name !== "string" || typeof message !== "string") return null
  return {
    name: name.slice(0, MAX_ERROR_NAME_LENGTH),
    message: message.slice(0, MAX_ERROR_MESSAGE_LENGTH),
    ...(typeof stack === "string" && { stack: stack.slice(0, MAX_STACK_LENGTH) }),
  }
}

/** Ids that are plainly valid, as nearly all are: the full check takes longer. */
const PLAIN_ID = /^[\x21-\x7e]{1,128}$/

const isId = (value: unknown): value is string =>
  typeof value === "string" && (PLAIN_ID.test(value) || isEventId(value))

const isText = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= MAX_TEXT_LENGTH

const areQueues = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length <= MAX_QUEUES && value.every(isText)

const textOrNull = (value: unknown): string | null =>
  typeof value === "string" && value !== "" ? value.slice(0, MAX_TEXT_LENGTH) : null

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0

const isDuration = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0

const isOutcome = (value: unknown): value is ReadAttempt["outcome"] =>
  value === "handled" || value === "retry" || value === "dead-letter"
