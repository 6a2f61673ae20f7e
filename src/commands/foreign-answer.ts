/** Most characters of a text of another program that a message repeats. */
const MAX_SHOWN = 200

/** Every problem of an Event Broker has a type that begins so. */
const PROBLEM = /"type":\s*"urn:event-broker:problem:/

/** The media type of a page for people. No command asks for one. */
const PAGE = /^text\/html\b/i

/** An answer to a request, of any program. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/**
 * Returns whether another program than an Event Broker gave this answer: a proxy, another service, a page for people.
 * The text is looked at only if the answer is not a success.
 */
export function isForeign({ status, headers, text }: Answer): boolean {
  if (PAGE.test(headers.get("Content-Type") ?? "")) return true
  return (status < 200 || status > 299) && !PROBLEM.test(text)
}

/** Says what another program answered, to end a sentence. */
export function describeForeign({ status, headers, text }: Answer): string {
  const target = headers.get("Location")
  if (target !== null) return `${status}, a redirect to ${target}`
  if (PAGE.test(headers.get("Content-Type") ?? "")) return `${status} with an HTML page`
  const start = text.trim().slice(0, MAX_SHOWN)
  return start === "" ? `${status} without a text` : `${status} with the text ${JSON.stringify(start)}`
}
