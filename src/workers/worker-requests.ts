import { PublishError } from "../engine/errors.ts"
import type { Event } from "../event/envelope.ts"
import { EventInvalidError, LoopSuspectedError } from "../event/errors.ts"
import { summarizeError } from "../event/failure.ts"
import { parseJsonText } from "../event/json-text.ts"
import type { Logger } from "../telemetry/logger.ts"
import type { Job } from "./job.ts"
import { JobLog } from "./job-log.ts"
import { describeCall, describeJob, type JobRequest } from "./job-request.ts"
import type { LogMessage, PublishFailure, PublishMessage } from "./messages.ts"
import type { WorkerThread } from "./worker-thread.ts"

/**
 * Publishes a handler's follow-up event, and sends the result to its worker.
 * @param maxBytes the largest draft that is published
 */
export async function answerPublish(
  thread: WorkerThread,
  { call, draft }: PublishMessage,
  maxBytes: number,
  publish: (draft: unknown) => Promise<Event>,
): Promise<void> {
  try {
    if (Buffer.byteLength(draft) > maxBytes) {
      throw new PublishError(
        "payload-too-large",
        `the event is larger than ${maxBytes} bytes (MAX_BODY_BYTES)`,
      )
    }
    const event = await publish(readDraft(draft))
    thread.send({ kind: "published", call, event: JSON.stringify(event) })
  } catch (error) {
    thread.send({ kind: "publish-failed", call, error: toFailure(error) })
  }
}

/**
 * Reads a draft within the bounds of JSON over HTTP: the event is written to JSON again, and other programs read it.
 */
function readDraft(draft: string): unknown {
  try {
    return parseJsonText(draft, "The event")
  } catch (error) {
    throw new EventInvalidError([{ pointer: "", message: summarizeError(error).message }])
  }
}

/**
 * Writes a handler's log line, with the event that it handles if that is known. The job keeps the line for the history.
 * @param job the job that wrote it; undefined if it has ended, or if no job wrote it
 */
export function writeLog(logger: Logger, job: Job | undefined, line: LogMessage): void {
  const { level, message, fields, call } = line
  if (job !== undefined && logger.isLevelEnabled(level)) {
    job.log ??= new JobLog()
    job.log.add(line, Date.now())
  }
  const about = job === undefined ? describeCall(call) : describeAttempt(job.request)
  logger[level]({ ...about, fields: readFields(fields) }, message)
}

/** Reads the fields of a line. Leaves out what nests too deep: a line must not fail the thread that writes it. */
function readFields(fields: string): unknown {
  try {
    return parseJsonText(fields, "The text")
  } catch (error) {
    return { fields: `can't be shown: ${summarizeError(error).message}` }
  }
}

function describeAttempt(request: JobRequest): Readonly<Record<string, unknown>> {
  const [attempt] = request.isBatch ? [] : request.attempts
  return { ...describeJob(request), ...(attempt !== undefined && { attempt: attempt.attempt }) }
}

function toFailure(error: unknown): PublishFailure {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) }
  if (error instanceof EventInvalidError || error instanceof LoopSuspectedError)
    return { name, message, code: error.code, retryable: false }
  if (error instanceof PublishError) {
    return { name, message, code: error.code, retryable: !error.isPermanent }
  }
  return { name, message, code: "internal", retryable: true }
}
