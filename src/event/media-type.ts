export const JSON_TYPE = "application/json"
export const CLOUD_EVENT = "application/cloudevents+json"
export const CLOUD_EVENT_BATCH = "application/cloudevents-batch+json"

/** Returns the media type of a `Content-Type`, without its parameters, in lower case. */
export const mediaTypeIn = (contentType: string): string =>
  contentType === JSON_TYPE ? contentType : (contentType.split(";")[0] ?? "").trim().toLowerCase()

/** Returns true if the data of a CloudEvent in binary mode is read as JSON. Data without a type is. */
export const isJsonType = (mediaType: string): boolean =>
  mediaType === "" || mediaType === JSON_TYPE || mediaType.endsWith("+json")
