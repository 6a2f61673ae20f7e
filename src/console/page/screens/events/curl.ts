import type { StoredEvent } from "../../api/answers.ts"

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
  return [
    `curl ${url}`,
    "-H 'Content-Type: application/json'",
    `-H "Authorization: Bearer $EVENT_BROKER_KEY"`,
    `-d '${body.replaceAll("'", "'\\''")}'`,
  ].join(" \\\n  ")
}
