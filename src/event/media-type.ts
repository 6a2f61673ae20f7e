export const JSON_TYPE = "application/json"
export const CLOUD_EVENT = "application/cloudevents+json"
export const CLOUD_EVENT_BATCH = "application/cloudevents-batch+json"

/** Returns the media type of a `Content-Type`, without its parameters, in lower case. */
export const mediaTypeIn = (contentType: string): string =>
  contentType === JSON_TYPE ? contentType : (contentType.split(";")[0] ?? "").trim().toLowerCase()

/** A parameter of a media type: its name, then its value as a quoted string or a token. Source: RFC 9110, section 5.6.6. */
const PARAMETER = /;\s*([^\s;=]*)\s*=?\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g

/** Charsets whose text is UTF-8. */
const UTF8_CHARSETS = ["utf-8", "utf8", "us-ascii", ""]

/** Returns the charset of a `Content-Type` if it is another than UTF-8; null if it is UTF-8 or none is given. */
export function foreignCharset(contentType: string): string | null {
  if (contentType === JSON_TYPE || !contentType.includes(";")) return null
  for (const [, name = "", quoted, token = ""] of contentType.matchAll(PARAMETER)) {
    const charset = (quoted ?? token).trim()
    if (name.toLowerCase() === "charset" && !UTF8_CHARSETS.includes(charset.toLowerCase())) return charset
  }
  return null
}

/** Returns true if the data of a CloudEvent in binary mode is read as JSON. Data without a type is. */
export const isJsonType = (mediaType: string): boolean =>
  mediaType === "" || mediaType === JSON_TYPE || mediaType.endsWith("+json")
