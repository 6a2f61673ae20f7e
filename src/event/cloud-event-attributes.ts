/**
 * What attributes of CloudEvents may be, and which field of an event each one is.
 * Source: the CloudEvents specification, v1.0.2, "Context Attributes" and "Type System".
 */

export const SPEC_VERSION = "1.0"

/** The source of an event that says none. */
export const NO_SOURCE = "urn:event-broker"

export const JSON_TYPE = "application/json"

/** Attributes of the specification that are metadata under their own names. */
export const CONTEXT_ATTRIBUTES = ["source", "subject", "time", "dataschema", "datacontenttype"] as const

/** Extensions that are fields of an event. */
export const FIELD_EXTENSIONS = {
  partitionkey: "ordering_key",
  priority: "priority",
  routingkey: "routing_key",
} as const

/** The extension that is the metadata `schema_version`. */
export const SCHEMA_VERSION_EXTENSION = "schemaversion"

/** The extension with the metadata that can't be an attribute, as JSON text. */
export const REST_EXTENSION = "eventbrokermetadata"

/** Names that mean something else than metadata of that name. */
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

/** RFC 3339, section 5.6. */
const TIMESTAMP = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a String must not have.
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f]/

const MAX_INTEGER = 2 ** 31

const isString = (value: unknown): value is string =>
  typeof value === "string" && value.isWellFormed() && !FORBIDDEN.test(value)

const isText = (value: unknown): value is string => isString(value) && value !== ""

const isTimestamp = (value: unknown): boolean =>
  isString(value) && TIMESTAMP.test(value) && !Number.isNaN(Date.parse(value))

const isInteger = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= -MAX_INTEGER && Number(value) < MAX_INTEGER

/** What is wrong with the value of an attribute; null where nothing is. */
export function faultOfAttribute(name: string, value: unknown): string | null {
  if (!NAME.test(name)) return "is no name of an attribute: lower-case letters and digits alone"
  switch (name) {
    case "specversion":
      return value === SPEC_VERSION ? null : `must be "${SPEC_VERSION}"`
    case "time":
      return isTimestamp(value) ? null : "must be a timestamp, as RFC 3339 has it"
    case "id":
    case "type":
    case "source":
    case "subject":
    case "dataschema":
    case "datacontenttype":
      return isText(value) ? null : "must be a text without control characters, and not empty"
    default:
      return isString(value) || typeof value === "boolean" || isInteger(value)
        ? null
        : "must be a text without control characters, a boolean, or an integer of 32 bits"
  }
}

/** Whether metadata of this name and value can be an attribute as it is. */
export function isAttribute(name: string, value: unknown): boolean {
  const isContext = CONTEXT_ATTRIBUTES.some((each) => each === name)
  return (isContext || !TAKEN.has(name)) && faultOfAttribute(name, value) === null
}
