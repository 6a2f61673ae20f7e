import { explainNetworkFault, isNetworkFault } from "../telemetry/network-fault.ts"
import { EXIT_UNREACHABLE } from "./exit-codes.ts"
import { type Input, usage } from "./input.ts"
import { Interruption } from "./interruption.ts"
import { LineUpload } from "./line-upload.ts"
import { continueWithoutReader, print } from "./output.ts"
import { ProgressLine } from "./progress-line.ts"
import { conclude, type EventAnswer, tellFailure } from "./publish-outcome.ts"
import { quotedKey } from "./send-once.ts"
import { CommandError, RefusedError, type ServiceClient, type ServiceOptions } from "./service-client.ts"
import { jsonText } from "./shown.ts"
import { splitStream } from "./split-stream.ts"
import { StallNotice } from "./stall-notice.ts"
import { brokenOff, endedEarly, LineTally, type Reached } from "./unanswered-lines.ts"
import { uploadKey } from "./upload-key.ts"

const PATH = "/api/v1/events/batch"

interface LinesOptions extends ServiceOptions {
  /** Default: a new one, if the service recognizes repetitions. */
  readonly idempotencyKey?: string
  /** Number of the first line. Default: 1 */
  readonly firstLine?: number
}

/** The media type of an answer to lines. */
const LINES_TYPE = /^application\/x-ndjson\b/i

/**
 * Publishes an event per line. Rejects with a `CommandError` if the input has no line, or if a line got no answer: then its
 * message says from which line on. A signal that ends the command makes it say the same.
 * @param file names the input in messages
 */
export async function publishLines(
  client: ServiceClient,
  file: string,
  input: Input,
  { json, idempotencyKey, firstLine = 1 }: LinesOptions,
): Promise<void> {
  continueWithoutReader()
  await client.started()
  const key = idempotencyKey ?? (await uploadKey(client))
  using progress = new ProgressLine(input.bytes)
  using stall = new StallNotice(() => progress.clear())
  await using upload = new LineUpload(file, input, { progress, stall })
  const tally = new LineTally()
  const reached = (): Reached => ({
    ...tally.reached(file, upload.firstUnanswered + firstLine - 1),
    firstLine,
    key,
  })
  const interruption = new Interruption()
  let last: EventAnswer | undefined
  try {
    for await (const text of splitStream(
      await send(client, upload.body, { key, firstLine }, interruption.signal),
      "\n",
    )) {
      upload.answered()
      if (json) print(jsonText(`${text}\n`))
      last = JSON.parse(text) as EventAnswer
      tally.add(last)
      if (last.status === "failed") {
        progress.clear()
        tellFailure(last, tally.counts.failed)
      }
      progress.show(tally.counts)
    }
  } catch (error) {
    // Otherwise an upload that ended early looks like a service that can't be reached.
    const cause = interruption.error ?? upload.fault ?? error
    throw upload.hasSent ? explain(cause, reached()) : cause
  }
  if (upload.fault !== null) throw explain(upload.fault, reached())
  if (!upload.areAllAnswered) throw endedEarly(last, reached())
  const { counts } = tally
  if (counts.stored + counts.failed === 0) throw noInput()
  progress.end(counts)
  conclude(counts, json)
}

async function send(
  client: ServiceClient,
  body: ReadableStream<Uint8Array>,
  { key, firstLine }: { readonly key: string | null; readonly firstLine: number },
  signal: AbortSignal,
): Promise<Response> {
  const headers = {
    "Content-Type": "application/x-ndjson",
    ...(key !== null && { "Idempotency-Key": quotedKey(key) }),
  }
  const path = firstLine === 1 ? PATH : `${PATH}?first_line=${firstLine}`
  const response = await client.send(path, { method: "POST", headers, body, signal })
  if (LINES_TYPE.test(response.headers.get("Content-Type") ?? "")) return response
  throw client.foreign({ status: response.status, headers: response.headers, text: await response.text() })
}

/** Adds to an error how far the upload got. A refusal is about the upload as a whole: no line of it was read. */
function explain(error: unknown, reached: Reached): unknown {
  if (error instanceof RefusedError) return error
  if (error instanceof CommandError) return brokenOff(error.message, error.exitCode, reached)
  if (!isNetworkFault(error)) return error
  const why = `the connection to the service was lost: ${explainNetworkFault(error)}`
  return brokenOff(why, EXIT_UNREACHABLE, reached)
}

/** The error for input without an event. A script that makes none probably has a fault of its own. */
export const noInput = (): CommandError => usage("the input is empty: nothing was published")
