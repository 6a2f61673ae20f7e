import { OpenAPIHono } from "@hono/zod-openapi"
import type { Route } from "../route.ts"
import { registerComponents } from "./components.ts"
import { operationOf } from "./operation.ts"

const DESCRIPTION = `Accepts events, stores them durably, routes them by topic, and runs the handlers that react to them.

A \`201\` means that the event is stored: it survives a crash of the process and of the machine.

Every error is a problem document (RFC 9457). \`type\` identifies the kind of problem. \`retryable\` says whether the same
request may succeed later. On a publish, \`outcome\` says whether the event may have been stored: after \`unknown\`, publish
it again with the same \`id\`.

Every \`GET\` operation also answers \`HEAD\`. A method that a path does not support is answered with 405
(\`method-not-allowed\`) and \`Allow\`; \`OPTIONS\` is answered with 204 and \`Allow\`.`

const TAGS = [
  { name: "Events", description: "Publish events, and watch events as they are stored." },
  { name: "Queues", description: "Queues hold events until handlers take them." },
  { name: "Dead letters", description: "Events that are not retried any more, each with its reason." },
  { name: "Replays", description: "Past events that are put on a queue again." },
  { name: "Modules", description: "Handler modules: the code that handles events on this instance." },
  { name: "Schemas", description: "JSON Schemas of payloads." },
  { name: "Health", description: "Checks for orchestrators, and metrics for Prometheus." },
  { name: "Service", description: "The service itself, and its API documents." },
]

/**
 * Address of the service, relative to the document. If a proxy serves the document below a path, clients that
 * resolve this address send their requests below that path.
 */
const SERVERS = [{ url: ".", description: "This service" }]

/** Returns the OpenAPI document of all routes. */
export function describeApi(routes: readonly Route[], version: string): unknown {
  const describing = new OpenAPIHono()
  registerComponents(describing.openAPIRegistry)
  for (const route of routes) describing.openAPIRegistry.registerPath(operationOf(route))
  const document = describing.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Event Broker",
      version,
      description: DESCRIPTION,
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: SERVERS,
    tags: TAGS,
  })
  return withoutDefaults(document)
}

/**
 * Removes the defaults of named schemas; their descriptions state them. Generators such as openapi-typescript
 * make a property with a default required, so clients would have to send it.
 */
function withoutDefaults(document: ReturnType<OpenAPIHono["getOpenAPI31Document"]>): unknown {
  const schemas = Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => [
    name,
    "properties" in schema && schema.properties !== undefined
      ? { ...schema, properties: Object.fromEntries(Object.entries(schema.properties).map(withoutDefault)) }
      : schema,
  ])
  return { ...document, components: { ...document.components, schemas: Object.fromEntries(schemas) } }
}

function withoutDefault([name, property]: [string, object]): [string, object] {
  const { default: _, ...rest } = { default: undefined, ...property }
  return [name, rest]
}
