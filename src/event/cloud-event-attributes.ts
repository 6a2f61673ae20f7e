/**
 * The allowed values of CloudEvents attributes, and the event field that each attribute maps to.
 * Source: the CloudEvents specification, v1.0.2, "Context Attributes" and "Type System".
 */

import { timestampMs } from "./timestamp-text.ts"

export const SPEC_VERSION = "1.0"

/** The `source` of an event that has none. */
export const NO_SOURCE = "urn:event-broker"

/** Attributes of the specification that are metadata under their own names. */
export const CONTEXT_ATTRIBUTES = ["source", "subject", "time", "dataschema", "datacontenttype"] as const

/** Attributes that every CloudEvent has. */
export const REQUIRED_ATTRIBUTES = ["specversion", "id", "source", "type"] as const

/** Attributes that make a message a CloudEvent in binary mode. An extension alone doesn't: its header may mean another thing. */
export const MARKS: readonly string[] = [...REQUIRED_ATTRIBUTES, ...CONTEXT_ATTRIBUTES]

/** Extensions that map to fields of an event. */
export const FIELD_EXTENSIONS = {
  partitionkey: "ordering_key",
  priority: "priority",
  routingkey: "routing_key",
} as const

/** The extension for the metadata field `schema_version`. */
export const SCHEMA_VERSION_EXTENSION = "schemaversion"

/** The extension for metadata that can't be attributes, as JSON text. */
export const REST_EXTENSION = "eventbrokermetadata"

/** Attribute names that don't stand for the metadata field of the same name. */
const TAKEN = new Set<string>([
  "specversion",
  "id",
  "type",
  "data",
  ...CONTEXT_ATTRIBUTES,
  ...Object.keys(FIELD_EXTENSIONS),
  SCHEMA_VERSION_EXTENSION,
  REST_EXTENSION,
])

const NAME = /^[a-z0-9]{1,128}$/

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a String must not have.
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f]/

const MAX_INTEGER = 2 ** 31

const isString = (value: unknown): value is string =>
  typeof value === "string" && value.isWellFormed() && !FORBIDDEN.test(value)

const isText = (value: unknown): value is string => isString(value) && value !== ""

const isTimestamp = (value: unknown): boolean => isString(value) && !Number.isNaN(timestampMs(value))

const isInteger = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= -MAX_INTEGER && Number(value) < MAX_INTEGER

/** Returns what is wrong with the value of an attribute, or null if it is valid. */
export function faultOfAttribute(name: string, value: unknown): string | null {
  if (!NAME.test(name)) return "is not a valid attribute name: use lower-case letters and digits only"
  switch (name) {
    case "specversion":
      return value === SPEC_VERSION ? null : `must be "${SPEC_VERSION}"`
    case "time":
      return isTimestamp(value) ? null : "must be an RFC 3339 timestamp"
    case "id":
    case "type":
    case "source":
    case "subject":
    case "dataschema":
    case "datacontenttype":
      return isText(value) ? null : "must be a string that is not empty and has no control characters"
    default:
      return isString(value) || typeof value === "boolean" || isInteger(value)
        ? null
        : "must be a string without control characters, a boolean, or a 32-bit integer"
  }
}

/** Returns whether metadata of this name and value can be an attribute as it is. */
export function isAttribute(name: string, value: unknown): boolean {
  const isContext = CONTEXT_ATTRIBUTES.some((each) => each === name)
  return (isContext || !TAKEN.has(name)) && faultOfAttribute(name, value) === null
}
