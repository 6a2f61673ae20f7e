import { MARKS, REQUIRED_ATTRIBUTES } from "../../event/cloud-event-attributes.ts"
import { EventInvalidError } from "../../event/errors.ts"
import { isJsonType, JSON_TYPE } from "../../event/media-type.ts"
import { decodeJson } from "../json.ts"
import { mediaTypeOf, requireType } from "../media-type.ts"
import type { RequestBody } from "../request-body.ts"

/** Prefix of attribute headers. Source: HTTP Protocol Binding for CloudEvents, v1.0.2, section 3.1.3. */
const PREFIX = "ce-"

/** A value as earlier versions of the binding wrote it. Source: RFC 7230, section 3.2.6. */
const QUOTED_STRING = /^"((?:[^"\\]|\\.)*)"$/
const QUOTED_PAIR = /\\(.)/g

/**
 * Attributes that are not headers, and where they are instead. Source: HTTP Protocol Binding for CloudEvents, v1.0.2,
 * sections 3.1.1 and 3.1.2.
 */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["data", "is the body"],
  ["datacontenttype", "is the header Content-Type"],
])

const NOT_PRINTABLE = /[^\x20-\x7e]/

const MARKING_HEADERS = MARKS.map((name) => PREFIX + name)

/** Returns whether the headers hold attributes of a CloudEvent; the body is then its data. */
export const isBinaryCloudEvent = (headers: Headers): boolean =>
  MARKING_HEADERS.some((name) => headers.has(name))

/** Returns the headers that say what the body of a publish is: its media type, and in binary mode the attributes. */
export function contentHeaders(headers: Headers): readonly string[] {
  if (!isBinaryCloudEvent(headers)) return [mediaTypeOf(headers)]
  const attributes = [...headers].filter(([name]) => name.startsWith(PREFIX)).flat()
  return [headers.get("content-type") ?? "", ...attributes]
}

/**
 * Reads a CloudEvent in binary mode and returns it as one in structured mode.
 * @param onBytes gets the body before it is parsed
 * @throws {ProblemError |
 * EventInvalidError}
 */
export async function readBinaryCloudEvent(
  headers: Headers,
  body: RequestBody,
  maxBytes: number,
  onBytes?: (bytes: Uint8Array) => void,
): Promise<Record<string, unknown>> {
  requireAttributes(headers)
  if (!isJsonType(mediaTypeOf(headers))) requireType(headers, [JSON_TYPE])
  const bytes = await body.bytes(maxBytes)
  onBytes?.(bytes)
  const contentType = headers.get("content-type")
  return {
    ...attributesOf(headers),
    ...(contentType !== null && { datacontenttype: contentType }),
    ...(bytes.length > 0 && { data: decodeJson(bytes) }),
  }
}

/** @throws {EventInvalidError} that names the header of each required attribute that is missing. */
function requireAttributes(headers: Headers): void {
  const missing = REQUIRED_ATTRIBUTES.filter((name) => !headers.has(PREFIX + name))
  if (missing.length === 0) return
  throw new EventInvalidError(
    missing.map((name) => ({ pointer: `/${name}`, message: `is required, as the header ${PREFIX}${name}` })),
  )
}

function attributesOf(headers: Headers): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const [header, value] of headers) {
    if (header.startsWith(PREFIX)) attributes[header.slice(PREFIX.length)] = read(header, value)
  }
  return attributes
}

/** Reads an attribute from its header. Source: HTTP Protocol Binding for CloudEvents, v1.0.2, section 3.1.3.2. */
function read(header: string, value: string): string {
  const name = header.slice(PREFIX.length)
  const place = ELSEWHERE.get(name)
  if (place !== undefined) throw invalid(name, `${place}; remove the header ${header}`)
  const quoted = QUOTED_STRING.exec(value)?.[1]
  const text = NOT_PRINTABLE.test(value) ? null : decode(quoted?.replace(QUOTED_PAIR, "$1") ?? value)
  if (text === null) throw invalid(name, `is not percent-encoded in the header ${header}`)
  return text
}

/** Returns null if the text is not percent-encoded UTF-8. */
function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

const invalid = (name: string, message: string): EventInvalidError =>
  new EventInvalidError([{ pointer: `/${name}`, message }])
