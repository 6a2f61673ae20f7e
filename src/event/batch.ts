import { isJsonObject } from "./json-text.ts"

/** Returns whether a value is a batch, and not one event: an array, or an object with `events` and without a type. */
export const isBatch = (value: unknown): boolean =>
  Array.isArray(value) || (isJsonObject(value) && "events" in value && !("type" in value))
