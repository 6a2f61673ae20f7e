import { suggest } from "../event/suggestion.ts"

/** Most events that a message lists. */
const MAX_LISTED = 20

/**
 * Says which event with a schema was probably meant; if none is near, which there are. Continues a sentence.
 * @param event as it was asked for, such as `voice/call_endd`
 * @param known events with a schema, as `<type>/<name>`
 */
export function adviseOnEvent(event: string, known: readonly string[]): string {
  if (known.length === 0) return "no event has one"
  const asked = event.replace(/^events[./]/, "").replace(/\.json$/, "")
  const nearest =
    known.find((each) => each.replace("/", ".") === asked || each.endsWith(`/${asked}`)) ??
    suggest(asked, known)
  if (nearest !== null) return `did you mean ${nearest}?`
  const more = known.length > MAX_LISTED ? ` and ${known.length - MAX_LISTED} more` : ""
  return `the events with a schema are ${known.slice(0, MAX_LISTED).join(", ")}${more}`
}
