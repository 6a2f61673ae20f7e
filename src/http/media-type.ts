import { ProblemError } from "./problem.ts"

export const JSON_TYPE = "application/json"
export const NDJSON = "application/x-ndjson"
export const CLOUD_EVENT = "application/cloudevents+json"
export const CLOUD_EVENT_BATCH = "application/cloudevents-batch+json"

/** Returns the media type of a body without its parameters; empty if none is given. */
export function mediaTypeOf(headers: Headers): string {
  const given = headers.get("content-type")
  if (given === JSON_TYPE) return given
  return given?.split(";")[0]?.trim().toLowerCase() ?? ""
}

/** @throws {ProblemError} `unsupported-media-type` if the body has none of these types. */
export function requireType(headers: Headers, accepted: readonly string[]): void {
  if (accepted.includes(mediaTypeOf(headers))) return
  const given = headers.get("content-type")
  const what = given === null ? "There is no Content-Type." : `${given} is not supported here.`
  throw unsupported(`${what} Send Content-Type: ${accepted.join(", or ")}.`)
}

/**
 * Checks that the body is not compressed. The header lists codings, in any case and possibly with empty
 * elements; `identity` means no coding (RFC 9110, sections 5.6.1 and 8.4.1).
 * @throws {ProblemError} `unsupported-media-type` for a compressed body.
 */
export function requireIdentity(headers: Headers): void {
  const given = headers.get("content-encoding")
  if (given === null || given === "identity") return
  const codings = given.split(",").map((coding) => coding.trim().toLowerCase())
  if (codings.every((coding) => coding === "" || coding === "identity")) return
  throw unsupported(`The content encoding ${given} is not supported. Send the body without encoding.`)
}

const unsupported = (detail: string): ProblemError =>
  new ProblemError("unsupported-media-type", detail, { outcome: "not-stored" })
