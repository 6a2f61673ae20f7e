import type { StoredEvent } from "../../api/answers.ts"

/** Longest body that is an argument, in UTF-16 code units: Linux takes 128 KiB, and a unit can have three bytes. */
const MAX_ARGUMENT = 40_000

const NEXT_LINE = " \\\n  "

/** Returns a command that publishes an event with the same content. The key is named, not written. */
export function curlOf({
  type,
  name,
  routing_key,
  priority,
  ordering_key,
  payload,
  metadata,
}: StoredEvent): string {
  const url = new URL("api/v1/events", document.baseURI).href
  const body = JSON.stringify({ type, name, routing_key, priority, ordering_key, payload, metadata })
  const request = [
    `curl ${url}`,
    "-H 'Content-Type: application/json'",
    `-H "Authorization: Bearer $EVENT_BROKER_KEY"`,
  ]
  // JSON has no line breaks, so nothing in it can be the line that ends it.
  if (body.length > MAX_ARGUMENT) return `${[...request, "-d @- <<'END'"].join(NEXT_LINE)}\n${body}\nEND`
  return [...request, `-d '${body.replaceAll("'", "'\\''")}'`].join(NEXT_LINE)
}
