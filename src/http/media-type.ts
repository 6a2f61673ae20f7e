import { ProblemError } from "./problem.ts"

export const JSON_TYPE = "application/json"
export const NDJSON = "application/x-ndjson"
export const CLOUD_EVENT = "application/cloudevents+json"
export const CLOUD_EVENT_BATCH = "application/cloudevents-batch+json"

/** The media type of a body, without its parameters; empty where none is given. */
export function mediaTypeOf(headers: Headers): string {
  const given = headers.get("content-type")
  if (given === JSON_TYPE) return given
  return given?.split(";")[0]?.trim().toLowerCase() ?? ""
}

/** @throws {ProblemError} `unsupported-media-type`, for a body of another type than these. */
export function requireType(headers: Headers, accepted: readonly string[]): void {
  if (accepted.includes(mediaTypeOf(headers))) return
  const given = headers.get("content-type")
  const what = given === null ? "There is no Content-Type." : `${given} is not taken here.`
  throw unsupported(`${what} Send Content-Type: ${accepted.join(", or ")}.`)
}

/**
 * The header lists codings, in any case and maybe with empty elements; `identity` is none (RFC 9110, sections 5.6.1 and
 * 8.4.1).
 * @throws {ProblemError} `unsupported-media-type`, for a body that is compressed.
 */
export function requireIdentity(headers: Headers): void {
  const given = headers.get("content-encoding")
  if (given === null || given === "identity") return
  const codings = given.split(",").map((coding) => coding.trim().toLowerCase())
  if (codings.every((coding) => coding === "" || coding === "identity")) return
  throw unsupported(`The body is encoded as ${given}: send it as it is.`)
}

const unsupported = (detail: string): ProblemError =>
  new ProblemError("unsupported-media-type", detail, { outcome: "not-stored" })
