/**
 * CloudEvents 1.0 to events and back, with nothing lost. `type` is `<type>.<name>` (what begins with none of the five
 * types is of the type `custom`, and keeps its name), `data` is the payload. `partitionkey` is the ordering key;
 * `priority`, `routingkey` and `schemaversion` are what they say; every other attribute is metadata under its own name.
 * Source: the CloudEvents specification, v1.0.2, and its JSON event format.
 */
import {
  faultOfAttribute,
  isAttribute,
  JSON_TYPE,
  NO_SOURCE,
  REST_EXTENSION,
  SCHEMA_VERSION_EXTENSION,
  SPEC_VERSION,
} from "./cloud-event-attributes.ts"
import type { Event } from "./envelope.ts"
import { EventInvalidError, type Fault } from "./errors.ts"
import { EVENT_TYPES } from "./event-type.ts"
import { FaultList } from "./faults.ts"
import { JsonTextError, parseJsonText } from "./json-text.ts"
import { escapePointer } from "./validate.ts"

type Fields = Record<string, unknown>

const REQUIRED = ["specversion", "id", "source", "type"]

/** Of the draft, and of the CloudEvent that it was made of: where a fault is. */
const POINTERS: readonly (readonly [inDraft: RegExp, inCloudEvent: string])[] = [
  [/^\/(type|name)(?=\/|$)/, "/type"],
  [/^\/payload(?=\/|$)/, "/data"],
  [/^\/ordering_key$/, "/partitionkey"],
  [/^\/routing_key$/, "/routingkey"],
  [/^\/metadata\/schema_version$/, `/${SCHEMA_VERSION_EXTENSION}`],
  [/^\/metadata(?=\/)/, ""],
]

/**
 * The draft of a CloudEvent. The rules of drafts are not checked here.
 * @throws {EventInvalidError} with the faults of its attributes.
 */
export function draftOfCloudEvent(input: unknown): Fields & { readonly metadata: Fields } {
  if (!isObject(input)) throw new EventInvalidError([{ pointer: "", message: "must be a JSON object" }])
  const { data, data_base64, ...given } = input
  // An attribute that is null is not there: JSON event format, section 2.2.
  const attributes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
  const faults = new FaultList()
  const check = (name: string, message: string | null): void => {
    if (message !== null) faults.add(`/${escapePointer(name)}`, message)
  }
  for (const name of REQUIRED) check(name, Object.hasOwn(attributes, name) ? null : "is required")
  for (const [name, value] of Object.entries(attributes)) check(name, faultOfAttribute(name, value))
  check("data_base64", data_base64 === undefined ? null : "is not taken: data is a JSON object here")
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

/** The CloudEvent of an event, in JSON. */
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
    ...(event.routing_key !== `events.${event.type}.${event.name}` && { routingkey: event.routing_key }),
    ...(version && { [SCHEMA_VERSION_EXTENSION]: schema_version }),
    ...(Object.keys(left).length > 0 && { [REST_EXTENSION]: JSON.stringify(left) }),
    data: event.payload,
  }
}

/** Where a fault of a draft is in the CloudEvent that it was made of. */
export function inCloudEvent({ pointer, message }: Fault): Fault {
  const [pattern, replacement] = POINTERS.find(([each]) => each.test(pointer)) ?? [/^$/, ""]
  return { pointer: pointer.replace(pattern, replacement), message }
}

/** Whether a type is written as `<type>.<name>`. */
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

/** What metadata had that could not be an attribute. */
function readLeft(text: unknown): Fields {
  const refusal = (message: string) => new EventInvalidError([{ pointer: `/${REST_EXTENSION}`, message }])
  let left: unknown
  try {
    left = parseJsonText(String(text), "It")
  } catch (error) {
    if (error instanceof JsonTextError) throw refusal(`must be the JSON text of an object: ${error.message}`)
    throw error
  }
  if (!isObject(left)) throw refusal("must be the JSON text of an object")
  return left
}

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)
