import { boundError, type ErrorSummary, LOOP_SUSPECTED } from "../event/failure.ts"
import { LOG_LEVELS } from "../handlers/handler-module.ts"
import type { ModuleDescription } from "../handlers/manifest.ts"
import { MAX_LINE_LENGTH } from "./log-budget.ts"
import { type CallSummary, CRASH_CAUSES, type FromWorker, type HandlerOutcome } from "./messages.ts"

/** Longest name of a file, a queue or an event in a message, in characters. */
const MAX_NAME_LENGTH = 1_024

type Fields = Readonly<Record<string, unknown>>

/** Reads the fields of one kind of message; returns null if one of them is invalid. */
type Reader = (fields: Fields) => FromWorker | null

/**
 * A reader for each kind of message. A worker runs other people's code, so its messages are checked like any other
 * input. The checks are written by hand for speed, because every attempt sends a message.
 */
const READERS: ReadonlyMap<unknown, Reader> = new Map<FromWorker["kind"], Reader>([
  ["loaded", ({ modules }) => (isDescriptions(modules) ? { kind: "loaded", modules } : null)],
  ["loading", ({ file }) => (typeof file === "string" ? { kind: "loading", file } : null)],
  ["load-failed", readLoadFailed],
  ["settled", readSettled],
  ["event-settled", readEventSettled],
  ["abort-seen", ({ job }) => (isCount(job) ? { kind: "abort-seen", job } : null)],
  [
    "publish",
    ({ job, call, draft }) =>
      isCount(job) && isCount(call) && typeof draft === "string"
        ? { kind: "publish", job, call, draft }
        : null,
  ],
  ["log", readLog],
  [
    "memory-exceeded",
    ({ heapBytes }) => (isCount(heapBytes) ? { kind: "memory-exceeded", heapBytes } : null),
  ],
  [
    "measured",
    ({ heapBytes, cpuMs }) =>
      isCount(heapBytes) && isDuration(cpuMs) ? { kind: "measured", heapBytes, cpuMs } : null,
  ],
  ["holding", () => ({ kind: "holding" })],
  ["torn-down", () => ({ kind: "torn-down" })],
  ["crashing", readLastWords],
])

/**
 * Reads one message of a worker into a new object that has only the known fields. Texts that are stored are cut to
 * their bounds.
 * @returns null if it is not a message of the protocol
 */
export function readWorkerMessage(value: unknown): FromWorker | null {
  return isFields(value) ? (READERS.get(value["kind"])?.(value) ?? null) : null
}

function readLoadFailed({ file, fault }: Fields): FromWorker | null {
  if (typeof file !== "string" || !isFields(fault) || typeof fault["message"] !== "string") return null
  const { message } = boundError({ name: "", message: fault["message"] })
  const { at } = fault
  if (at === null) return { kind: "load-failed", file, fault: { message, at } }
  if (!isFields(at) || typeof at["path"] !== "string" || !isCount(at["line"]) || !isCount(at["column"])) {
    return null
  }
  const { path, line, column } = at
  return { kind: "load-failed", file, fault: { message, at: { path, line, column } } }
}

function readSettled({ job, outcome, durationMs, cpuTime }: Fields): FromWorker | null {
  const read = readOutcome(outcome)
  if (read === null || !isCount(job) || !isDuration(durationMs)) return null
  if (cpuTime === null) return { kind: "settled", job, outcome: read, durationMs, cpuTime }
  if (!isFields(cpuTime)) return null
  const { ownMs, sharedMs } = cpuTime
  if (!isDuration(ownMs) || !isDuration(sharedMs)) return null
  return { kind: "settled", job, outcome: read, durationMs, cpuTime: { ownMs, sharedMs } }
}

function readEventSettled({ job, place, outcome }: Fields): FromWorker | null {
  const read = readOutcome(outcome)
  return read === null || !isCount(job) || !isCount(place)
    ? null
    : { kind: "event-settled", job, place, outcome: read }
}

/** Reads a log line. Its fields are parsed as JSON when the line is written. */
function readLog({ job, call, level, message, fields }: Fields): FromWorker | null {
  const known = LOG_LEVELS.find((each) => each === level)
  const ended = readCall(call)
  if (known === undefined || ended === undefined || !isCountOrNull(job)) return null
  if (!isLineText(message) || !isLineText(fields)) return null
  return { kind: "log", job, call: ended, level: known, message, fields }
}

function readLastWords({ cause, error, job, call, module }: Fields): FromWorker | null {
  const known = CRASH_CAUSES.find((each) => each === cause)
  const read = readError(error)
  const made = readCall(call)
  if (known === undefined || read === null || made === undefined) return null
  if (!isCountOrNull(job) || !isNameOrNull(module)) return null
  return { kind: "crashing", cause: known, error: read, job, call: made, module }
}

/** @returns undefined if it is neither null nor the summary of a call */
function readCall(value: unknown): CallSummary | null | undefined {
  if (value === null) return null
  if (!isFields(value)) return undefined
  const { generation, module, queue, eventId, attempt } = value
  if (!isName(generation) || !isName(module) || !isName(queue)) return undefined
  if (!isNameOrNull(eventId) || !isCountOrNull(attempt)) return undefined
  return { generation, module, queue, eventId, attempt }
}

function readOutcome(value: unknown): HandlerOutcome | null {
  if (!isFields(value)) return null
  switch (value["kind"]) {
    case "done":
      return { kind: "done" }
    case "retry": {
      // A handler can ask for any delay; the delivery policy turns one that is not a duration into the backoff.
      const { delayMs } = value
      return { kind: "retry", delayMs: typeof delayMs === "number" ? delayMs : null }
    }
    case "dead-letter": {
      const { reason } = value
      if (typeof reason !== "string") return null
      return { kind: "dead-letter", reason: boundError({ name: "DeadLetter", message: reason }).message }
    }
    case "failed": {
      const { isPermanent } = value
      const error = readError(value["error"])
      return error === null || typeof isPermanent !== "boolean"
        ? null
        : { kind: "failed", error, isPermanent }
    }
    case LOOP_SUSPECTED: {
      const error = readError(value["error"])
      return error === null ? null : { kind: LOOP_SUSPECTED, error }
    }
    default:
      return null
  }
}

function readError(value: unknown): ErrorSummary | null {
  if (!isFields(value)) return null
  const { name, message, stack } = value
  if (typeof name !== "string" || typeof message !== "string") return null
  if (stack !== undefined && typeof stack !== "string") return null
  return boundError({ name, message, ...(stack !== undefined && { stack }) })
}

function isDescriptions(value: unknown): value is readonly ModuleDescription[] {
  return Array.isArray(value) && value.every((each) => isFields(each) && typeof each["file"] === "string")
}

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0

const isCountOrNull = (value: unknown): value is number | null => value === null || isCount(value)

/** Accepts names of files, queues and events. */
const isName = (value: unknown): value is string =>
  typeof value === "string" && value.length <= MAX_NAME_LENGTH

const isNameOrNull = (value: unknown): value is string | null => value === null || isName(value)

const isDuration = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0

const isLineText = (value: unknown): value is string =>
  typeof value === "string" && value.length <= MAX_LINE_LENGTH
