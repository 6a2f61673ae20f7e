import { expect, test } from "bun:test"
import { attributesOf, Collector } from "../support/collector.ts"
import { freePorts } from "../support/free-ports.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
const PARENT_ID = "b7ad6b7169203331"
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`
const HEADERS = { "Content-Type": "application/json", traceparent: TRACEPARENT, tracestate: "vendor=value" }

const PRODUCER = 4
const CONSUMER = 5
const ERROR = 2

/** A folder whose handler records its trace, and publishes an event that continues the trace. */
function tracedFolder(): ServiceFolder {
  const folder = new ServiceFolder()
  folder.write(
    "handlers/traced.ts",
    `export default { queue: "custom_events", retry: { attempts: 1 }, on: {
      async cause(event, ctx) {
        ctx.log.info("seen")
        ${folder.journal('"cause " + JSON.stringify(ctx.trace)')}
        await ctx.publish({ type: "custom", name: "effect", payload: {} })
      },
      async effect(event, ctx) { ${folder.journal('"effect " + JSON.stringify(ctx.trace)')} },
      fails() { throw new Error("no") },
    } }`,
  )
  folder.write(
    "handlers/together.ts",
    `export default { queue: "together", bind: ["together"], batch: { size: 2, wait: 60000 }, on: {
      async "*"(events, ctx) {
        for (const { id } of events) ${folder.journal('"batch " + JSON.stringify(ctx.trace(id))')}
      },
    } }`,
  )
  return folder
}

const publish = (url: string, event: object, headers: Record<string, string> = HEADERS) =>
  fetch(`${url}/api/v1/events`, {
    method: "POST",
    headers,
    body: JSON.stringify({ type: "custom", payload: {}, ...event }),
  })

/** Returns the traces that handlers recorded under this word. */
const noted = (folder: ServiceFolder, word: string) =>
  folder
    .journalLines()
    .filter((line) => line.startsWith(`${word} `))
    .map((line) => JSON.parse(line.slice(word.length + 1)))

test("a request's trace reaches the handler, the events that it publishes, and the log, without a collector", async () => {
  await using folder = tracedFolder()
  const service = await folder.start()
  expect((await publish(service.url, { name: "cause" })).status).toBe(201)
  await waitUntil(() => noted(folder, "effect").length === 1, "both events to be handled")
  const trace = { traceparent: TRACEPARENT, tracestate: "vendor=value" }
  expect(noted(folder, "cause")).toEqual([trace])
  expect(noted(folder, "effect")).toEqual([trace])
  expect(service.log.find(({ msg }) => msg === "seen")).toMatchObject({ trace_id: TRACE_ID })
  await publish(service.url, { name: "fails" })
  const failed = () => service.log.find(({ msg }) => msg === "event is now a dead letter")
  await waitUntil(() => failed() !== undefined, "the failure in the log")
  expect(failed()).toMatchObject({ trace_id: TRACE_ID })
  await publish(
    service.url,
    { name: "cause" },
    { "Content-Type": "application/json", traceparent: "rubbish" },
  )
  await waitUntil(() => noted(folder, "effect").length === 2, "an event without a trace to be handled")
  expect(noted(folder, "effect")[1]).toBeNull()
})

test("each event of a batch keeps its own trace", async () => {
  await using folder = tracedFolder()
  const service = await folder.start()
  const { "Content-Type": json } = HEADERS
  await publish(service.url, { name: "a", routing_key: "together" })
  await publish(service.url, { name: "b", routing_key: "together" }, { "Content-Type": json })
  await waitUntil(() => noted(folder, "batch").length === 2, "the batch")
  expect(noted(folder, "batch")).toEqual([{ traceparent: TRACEPARENT, tracestate: "vendor=value" }, null])
})

test("with a collector, each publish and each call has a span that follows the semantic conventions for messaging", async () => {
  await using collector = new Collector()
  await using folder = tracedFolder()
  const service = await folder.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
    OTEL_BSP_SCHEDULE_DELAY: "50",
  })
  const { id } = (await (await publish(service.url, { name: "cause" })).json()) as { readonly id: string }
  await publish(service.url, { name: "fails" })
  expect((await publish(service.url, { name: "lost", routing_key: "nowhere" })).status).toBe(422)
  for (const name of ["a", "b"]) await publish(service.url, { name, routing_key: "together" })
  await waitUntil(() => collector.named("process together").length === 1, "the batch's span")
  await waitUntil(() => collector.named("process custom_events").length === 3, "the calls' spans")
  await waitUntil(() => collector.named("send events").length === 6, "the publishes' spans")
  expect(collector.resource).toMatchObject({
    "service.name": "event-broker",
    "deployment.environment.name": "test",
  })

  const byId = (span: { readonly parentSpanId?: string }) =>
    collector.spans.find(({ spanId }) => spanId === span.parentSpanId)
  const published = collector
    .named("send events")
    .find((span) => attributesOf(span)["messaging.message.id"] === id)
  expect(published).toMatchObject({ traceId: TRACE_ID, parentSpanId: PARENT_ID, kind: PRODUCER })
  expect(published && attributesOf(published)).toMatchObject({
    "messaging.system": "event_broker",
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    "messaging.destination.name": "events",
  })
  const effect = collector
    .named("process custom_events")
    .find((span) => byId(byId(span) ?? {})?.kind === CONSUMER)
  expect(effect).toMatchObject({ traceId: TRACE_ID, kind: CONSUMER })
  const followUp = byId(effect ?? {})
  const cause = byId(followUp ?? {})
  expect(cause && attributesOf(cause)).toMatchObject({
    "messaging.operation.type": "process",
    "messaging.destination.name": "custom_events",
    "messaging.message.id": id,
    "code.function.name": "cause",
  })
  expect(cause?.parentSpanId).toBe(published?.spanId)
  expect(noted(folder, "cause")[0].traceparent).toBe(`00-${TRACE_ID}-${cause?.spanId}-01`)

  const failures = collector.spans.filter(({ status }) => status.code === ERROR)
  expect(failures.map((span) => `${span.name}: ${attributesOf(span)["error.type"]}`).toSorted()).toEqual([
    "process custom_events: failed",
    "send events: unroutable",
  ])
  const [batch] = collector.named("process together")
  expect(batch && attributesOf(batch)).toMatchObject({ "messaging.batch.message_count": 2 })
  expect(batch?.links.map(({ traceId }) => traceId)).toEqual([TRACE_ID, TRACE_ID])
})

test("a collector that is down delays no event and no stop, and is logged once, and again when it is back", async () => {
  await using folder = tracedFolder()
  const [port = 0] = await freePorts(1)
  const service = await folder.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/`,
    OTEL_BSP_SCHEDULE_DELAY: "50",
    OTEL_EXPORTER_OTLP_TIMEOUT: "200",
  })
  const lines = (text: string) => service.log.filter(({ msg }) => msg.startsWith(text))
  await publish(service.url, { name: "cause" })
  await waitUntil(() => noted(folder, "effect").length === 1, "the events to be handled")
  await waitUntil(() => lines("spans can't be sent").length > 0, "the log to tell of it")
  expect(lines("spans can't be sent")[0]).toMatchObject({ url: `http://127.0.0.1:${port}/v1/traces` })
  await using collector = new Collector(port)
  await waitUntil(async () => {
    await publish(service.url, { name: "cause" })
    return collector.spans.length > 0
  }, "spans to come")
  await waitUntil(() => lines("spans are taken again").length === 1, "the log to tell that it is back")
  expect(lines("spans can't be sent")).toHaveLength(1)
  expect(await service.stop()).toBe(0)
})
