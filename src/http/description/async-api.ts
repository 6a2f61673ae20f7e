import type { QueueStats } from "../../engine/engine.ts"
import { EVENT_TYPES } from "../../event/event-type.ts"
import { bundleSchemas, referenceTo } from "../../schema/schema-bundle.ts"
import type { EventSchema, SchemaCatalog } from "../../schema/schema-catalog.ts"
import { eventJsonSchema } from "./envelope-json-schema.ts"

/** The version of AsyncAPI, and of its AMQP bindings. Source: github.com/asyncapi/bindings, amqp. */
const ASYNC_API = "3.0.0"
const BINDING_VERSION = "0.3.0"

const DESCRIPTION = `Events on RabbitMQ, for programs that consume from it themselves.

The body of a message is the event, as JSON. Routing keys are \`events.<type>.<name>\`, unless the publisher sets another
one. The embedded engine has no RabbitMQ to consume from.`

/** The exchange that events are published to. */
export interface ExchangeInfo {
  readonly name: string
  readonly type: string
  readonly vhost: string
}

export interface MessagesOptions {
  readonly version: string
  readonly exchange: ExchangeInfo
  readonly queues: readonly QueueStats[]
  readonly catalog: SchemaCatalog | null
}

/** Returns the AsyncAPI document of the exchange, the queues and the events with a schema. */
export function describeMessages({ version, exchange, queues, catalog }: MessagesOptions): unknown {
  const messages = { event: eventMessage, ...schemaMessages(catalog) }
  const references = Object.fromEntries(
    Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
  )
  const channels = { exchange: exchangeChannel(exchange), ...queueChannels(queues, exchange.vhost) }
  return {
    asyncapi: ASYNC_API,
    info: { title: "Event Broker", version, description: DESCRIPTION, license: { name: "MIT" } },
    defaultContentType: "application/json",
    channels: Object.fromEntries(
      Object.entries(channels).map(([name, channel]) => [name, { ...channel, messages: references }]),
    ),
    operations: Object.fromEntries(
      Object.keys(channels).map((name) => [
        `send.${name}`,
        { action: "send", channel: { $ref: `#/channels/${name}` } },
      ]),
    ),
    components: {
      messages,
      schemas: { event: eventJsonSchema(), ...(catalog === null ? {} : bundleSchemas(catalog.files)) },
    },
  }
}

const HEADERS = {
  type: "object",
  properties: {
    "x-event-type": { type: "string" },
    "x-event-name": { type: "string" },
    "x-retry-count": { type: "integer", description: "Number of retries: 0 on the first attempt." },
    traceparent: {
      type: "string",
      description: "Trace of the event (W3C Trace Context), if it has one.",
    },
  },
}

const messageOf = (summary: string, payload: object) => ({
  contentType: "application/json",
  summary,
  headers: HEADERS,
  payload,
})

const eventMessage = messageOf("Any event", { $ref: "#/components/schemas/event" })

function schemaMessages(catalog: SchemaCatalog | null): Record<string, object> {
  const schemas = catalog?.all() ?? []
  return Object.fromEntries(
    schemas.map((each) => [`${each.type}.${each.name}.v${each.version}`, schemaMessage(each)]),
  )
}

function schemaMessage({ type, name, version, path }: EventSchema): object {
  const properties = { type: { const: type }, name: { const: name }, payload: referenceTo(path) }
  return messageOf(`${type}.${name}, version ${version}`, {
    allOf: [{ $ref: "#/components/schemas/event" }, { type: "object", properties }],
  })
}

const exchangeChannel = ({ name, type, vhost }: ExchangeInfo) => ({
  address: "events.{type}.{name}",
  description: `The exchange ${name}. Bind a queue of your own to receive its events.`,
  parameters: {
    type: { description: "Type of the event.", enum: EVENT_TYPES },
    name: { description: "Name of the event." },
  },
  bindings: {
    amqp: {
      is: "routingKey",
      exchange: { name, type, durable: true, autoDelete: false, vhost },
      bindingVersion: BINDING_VERSION,
    },
  },
})

const queueChannels = (queues: readonly QueueStats[], vhost: string) =>
  Object.fromEntries(
    queues.map(({ name, bindings }) => [
      name,
      {
        address: name,
        description: `Bound to ${bindings.join(", ") || "nothing"}. A program that consumes it takes events away from the handlers.`,
        bindings: {
          amqp: {
            is: "queue",
            queue: { name, durable: true, exclusive: false, autoDelete: false, vhost },
            bindingVersion: BINDING_VERSION,
          },
        },
      },
    ]),
  )
