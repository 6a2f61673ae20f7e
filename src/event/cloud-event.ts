/**
 * Converts CloudEvents 1.0 to events and back without loss. `type` is `<type>.<name>`; a CloudEvent whose
 * type starts with none of the five event types becomes an event of type `custom` with that type as its name.
 * `data` is the payload, `partitionkey` the ordering key, `priority` the priority, `routingkey` the routing
 * key and `schemaversion` the schema version. Every other attribute is metadata of the same name.
 * Source: the CloudEvents specification, v1.0.2, and its JSON event format.
 */
import {
  faultOfAttribute,
  isAttribute,
  NO_SOURCE,
  REQUIRED_ATTRIBUTES,
  REST_EXTENSION,
  SCHEMA_VERSION_EXTENSION,
  SPEC_VERSION,
} from "./cloud-event-attributes.ts"
import type { Event } from "./envelope.ts"
import { EventInvalidError } from "./errors.ts"
import { EVENT_TYPES } from "./event-type.ts"
import { type Fault, FaultList } from "./faults.ts"
import { isJsonObject, JsonTextError, parseJsonText } from "./json-text.ts"
import { JSON_TYPE } from "./media-type.ts"
import { defaultRoutingKey } from "./routing-space.ts"
import { escapePointer } from "./validate.ts"

type Fields = Record<string, unknown>

/** Maps the pointer of a fault in a draft to the pointer in the CloudEvent. */
const POINTERS: readonly (readonly [inDraft: RegExp, inCloudEvent: string])[] = [
  [/^\/(type|name)(?=\/|$)/, "/type"],
  [/^\/payload(?=\/|$)/, "/data"],
  [/^\/ordering_key$/, "/partitionkey"],
  [/^\/routing_key$/, "/routingkey"],
  [/^\/metadata\/schema_version$/, `/${SCHEMA_VERSION_EXTENSION}`],
  [/^\/metadata(?=\/)/, ""],
]

/**
 * Converts a CloudEvent to a draft. Checks the attributes only; `validateDraft` checks the draft.
 * @throws {EventInvalidError} with the invalid attributes.
 */
export function draftOfCloudEvent(input: unknown): Fields & { readonly metadata: Fields } {
  if (!isJsonObject(input)) throw new EventInvalidError([{ pointer: "", message: "must be a JSON object" }])
  const { data, data_base64, ...given } = input
  // A null attribute counts as absent: JSON event format, section 2.2.
  const attributes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
  const faults = new FaultList()
  const check = (name: string, message: string | null): void => {
    if (message !== null) faults.add(`/${escapePointer(name)}`, message)
  }
  for (const name of REQUIRED_ATTRIBUTES) check(name, Object.hasOwn(attributes, name) ? null : "is required")
  for (const [name, value] of Object.entries(attributes)) check(name, faultOfAttribute(name, value))
  check("data_base64", data_base64 === undefined ? null : "is not supported: send a JSON object in `data`")
  if (faults.count > 0) throw new EventInvalidError(faults.faults, faults.count)
  const { specversion: _, id, type, partitionkey, priority, routingkey, ...rest } = attributes
  return {
    ...readType(String(type)),
    id,
    payload: data ?? {},
    ...(partitionkey !== undefined && { ordering_key: partitionkey }),
    ...(priority !== undefined && { priority }),
    ...(routingkey !== undefined && { routing_key: routingkey }),
    metadata: { ...readMetadata(rest), ...(isOwnType(String(type)) ? {} : { type }) },
  }
}

/** Converts an event to a CloudEvent in JSON format. */
export function cloudEventOf(event: Event): Fields {
  const {
    source = NO_SOURCE,
    datacontenttype = JSON_TYPE,
    time,
    type,
    schema_version,
    ...rest
  } = event.metadata
  const said = Object.entries({ ...rest, source, datacontenttype, time }).filter(
    ([, value]) => value !== undefined,
  )
  const isTypeSaid = type === event.name && event.type === "custom" && !isOwnType(event.name)
  const version = faultOfAttribute(SCHEMA_VERSION_EXTENSION, schema_version) === null
  const left: Fields = {
    ...Object.fromEntries(said.filter(([name, value]) => !isAttribute(name, value))),
    ...(type !== undefined && !isTypeSaid && { type }),
    ...(schema_version !== undefined && !version && { schema_version }),
  }
  return {
    specversion: SPEC_VERSION,
    id: event.id,
    source: NO_SOURCE,
    type: isTypeSaid ? event.name : `${event.type}.${event.name}`,
    time: new Date(event.timestamp * 1_000).toISOString(),
    datacontenttype: JSON_TYPE,
    ...Object.fromEntries(said.filter(([name, value]) => isAttribute(name, value))),
    priority: event.priority,
    ...(event.ordering_key !== undefined && { partitionkey: event.ordering_key }),
    ...(event.routing_key !== defaultRoutingKey(event.type, event.name) && { routingkey: event.routing_key }),
    ...(version && { [SCHEMA_VERSION_EXTENSION]: schema_version }),
    ...(Object.keys(left).length > 0 && { [REST_EXTENSION]: JSON.stringify(left) }),
    data: event.payload,
  }
}

/** Converts a fault of a draft to a fault of the CloudEvent that the draft was made from. */
export function inCloudEvent({ pointer, message }: Fault): Fault {
  const [pattern, replacement] = POINTERS.find(([each]) => each.test(pointer)) ?? [/^$/, ""]
  return { pointer: pointer.replace(pattern, replacement), message }
}

/** Returns whether a type has the form `<type>.<name>`. */
const isOwnType = (type: string): boolean => EVENT_TYPES.some((each) => type.startsWith(`${each}.`))

function readType(type: string): { readonly type: string; readonly name: string } {
  if (!isOwnType(type)) return { type: "custom", name: type }
  const at = type.indexOf(".")
  return { type: type.slice(0, at), name: type.slice(at + 1) }
}

function readMetadata(attributes: Fields): Fields {
  const { source, datacontenttype, schemaversion, [REST_EXTENSION]: left, ...rest } = attributes
  return {
    ...rest,
    ...(source !== NO_SOURCE && { source }),
    ...(datacontenttype !== undefined && datacontenttype !== JSON_TYPE && { datacontenttype }),
    ...(schemaversion !== undefined && { schema_version: schemaversion }),
    ...(left !== undefined && readLeft(left)),
  }
}

/** Reads the metadata that could not be attributes. */
function readLeft(text: unknown): Fields {
  const refusal = (message: string) => new EventInvalidError([{ pointer: `/${REST_EXTENSION}`, message }])
  let left: unknown
  try {
    left = parseJsonText(String(text), "It")
  } catch (error) {
    if (error instanceof JsonTextError) throw refusal(`must be the JSON text of an object: ${error.message}`)
    throw error
  }
  if (!isJsonObject(left)) throw refusal("must be the JSON text of an object")
  return left
}
