import type { StoredEvent } from "./answers.ts"
import { request } from "./client.ts"
import { numberOf, parseExactly } from "./exact-numbers.ts"

export interface EventStreamReader {
  onOpen(): void
  onEvent(event: StoredEvent): void
  /** @param count null if the number is unknown */
  onMissed(count: number | null): void
}

/**
 * Reads the live stream until it ends. With `fetch`, because an `EventSource` can't send a key.
 * @throws {Problem} if it is refused
 */
export async function readEventStream(reader: EventStreamReader, signal: AbortSignal): Promise<void> {
  const { body } = await request("api/v1/events/stream", { signal })
  if (body === null) return
  reader.onOpen()
  let rest = ""
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n")
    rest = blocks.pop() ?? ""
    for (const block of blocks) take(block, reader)
  }
}

/** Takes one server-sent event; comments, which keep the connection open, have no data. */
function take(block: string, reader: EventStreamReader): void {
  const kind = /^event: (.*)$/m.exec(block)?.[1]
  const data = /^data: (.*)$/m.exec(block)?.[1]
  if (data === undefined) return
  if (kind === "event") {
    const event = parseExactly(data) as StoredEvent
    // Another program may write its times in digits of its own.
    reader.onEvent({ ...event, timestamp: numberOf(event.timestamp) })
  }
  if (kind === "missed") reader.onMissed((JSON.parse(data) as { readonly count: number | null }).count)
}
