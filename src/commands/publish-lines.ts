import { type Input, usage } from "./input.ts"
import { LineUpload } from "./line-upload.ts"
import { continueWithoutReader, print } from "./output.ts"
import { ProgressLine } from "./progress-line.ts"
import { conclude, type EventAnswer, tellFailure } from "./publish-outcome.ts"
import type { CommandError, ServiceClient, ServiceOptions } from "./service-client.ts"
import { jsonText } from "./shown.ts"
import { splitStream } from "./split-stream.ts"
import { StallNotice } from "./stall-notice.ts"

const PATH = "/api/v1/events/batch"

/** The media type of an answer to lines. */
const LINES_TYPE = /^application\/x-ndjson\b/i

/**
 * Publishes an event per line. Rejects with a `CommandError` if the input has no line, or can't be read to its end.
 * @param file names the input in messages
 */
export async function publishLines(
  client: ServiceClient,
  file: string,
  input: Input,
  { json }: ServiceOptions,
): Promise<void> {
  continueWithoutReader()
  using progress = new ProgressLine(input.bytes)
  using stall = new StallNotice(() => progress.clear())
  const upload = new LineUpload(file, input, { progress, stall })
  const counts = { stored: 0, failed: 0 }
  try {
    for await (const text of splitStream(await send(client, upload.body), "\n")) {
      stall.answered()
      if (json) print(jsonText(`${text}\n`))
      const answer = JSON.parse(text) as EventAnswer
      if (answer.status === "failed") {
        progress.clear()
        tellFailure(answer, ++counts.failed)
      } else counts.stored++
      progress.show(counts)
    }
  } catch (error) {
    // Otherwise an upload that ended early looks like a service that can't be reached.
    throw upload.fault ?? error
  }
  if (upload.fault !== null) throw upload.fault
  if (counts.stored + counts.failed === 0) throw noInput()
  progress.end(counts)
  conclude(counts, json)
}

async function send(client: ServiceClient, body: ReadableStream<Uint8Array>): Promise<Response> {
  const headers = { "Content-Type": "application/x-ndjson" }
  const response = await client.send(PATH, { method: "POST", headers, body })
  if (LINES_TYPE.test(response.headers.get("Content-Type") ?? "")) return response
  throw client.foreign({ status: response.status, headers: response.headers, text: await response.text() })
}

/** The error for input without an event. A script that makes none probably has a fault of its own. */
export const noInput = (): CommandError => usage("the input is empty: nothing was published")
