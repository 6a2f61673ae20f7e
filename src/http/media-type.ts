import {
  CLOUD_EVENT,
  CLOUD_EVENT_BATCH,
  foreignCharset,
  JSON_TYPE,
  mediaTypeIn,
} from "../event/media-type.ts"
import { ProblemError } from "./problem.ts"

export { CLOUD_EVENT, CLOUD_EVENT_BATCH, JSON_TYPE }
export const NDJSON = "application/x-ndjson"

const BATCH_TYPES: readonly string[] = [NDJSON, CLOUD_EVENT_BATCH]

/** Returns the media type of a body, without its parameters; empty if none is given. */
export const mediaTypeOf = (headers: Headers): string => mediaTypeIn(headers.get("content-type") ?? "")

/** @throws {ProblemError} `unsupported-media-type` if the body has none of these types. */
export function requireType(headers: Headers, accepted: readonly string[]): void {
  if (accepted.includes(mediaTypeOf(headers))) return
  const given = headers.get("content-type")
  const what = given === null ? "There is no Content-Type." : `${given} is not supported here.`
  const isBatch = BATCH_TYPES.includes(mediaTypeOf(headers)) && accepted.includes(CLOUD_EVENT)
  const batches = isBatch ? " Send batches to /api/v1/events/batch." : ""
  throw unsupported(`${what} Send Content-Type: ${accepted.join(", or ")}.${batches}`)
}

/**
 * Checks that the body can be read as it is: it is in UTF-8 and not compressed.
 * @throws {ProblemError} `unsupported-media-type`.
 */
export function requirePlainText(headers: Headers): void {
  requireIdentity(headers)
  const charset = foreignCharset(headers.get("content-type") ?? "")
  if (charset === null) return
  throw unsupported(`The charset ${charset} is not supported. Send the body in UTF-8.`)
}

/**
 * Checks that the body is not compressed. The header lists codings, in any case and possibly with empty
 * elements; `identity` means no coding (RFC 9110, sections 5.6.1 and 8.4.1).
 * @throws {ProblemError} `unsupported-media-type` for a compressed body.
 */
function requireIdentity(headers: Headers): void {
  const given = headers.get("content-encoding")
  if (given === null || given === "identity") return
  const codings = given.split(",").map((coding) => coding.trim().toLowerCase())
  if (codings.every((coding) => coding === "" || coding === "identity")) return
  throw unsupported(`The content encoding ${given} is not supported. Send the body without encoding.`)
}

const unsupported = (detail: string): ProblemError =>
  new ProblemError("unsupported-media-type", detail, { outcome: "not-stored" })
