import { expect, test } from "bun:test"
import { cpSync } from "node:fs"
import { join } from "node:path"
import { openApiOf, operationsOf } from "../support/open-api.ts"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { type SampleRequest, sampleRequests } from "../support/sample-requests.ts"
import { waitUntil } from "../support/wait-until.ts"

const EXAMPLE_SCHEMAS = join(import.meta.dir, "..", "..", "examples", "schemas")

/** The event that samples ask about. */
const SAMPLE_ID = "01a20ace-2fd0-77d8-8956-d3985157a5fb"

/** Operations whose sample names something that does not exist: a replay, a dead letter, a file whose name has a hash. */
const WITHOUT_OBJECT = [
  "getReplay",
  "abortReplay",
  "resumeReplay",
  "getConsoleFile",
  "redriveEditedDeadLetter",
]

/** Deletes the object that another sample shows. */
const LAST = "deleteQueue"

const isReady = (service: RunningService) => async () => (await service.get("/health/ready")).status === 200

/** A service with schemas, a handler module, and the queue `audit` whose module is gone. */
async function start(folder: ServiceFolder): Promise<RunningService> {
  cpSync(EXAMPLE_SCHEMAS, join(folder.path, "schemas"), { recursive: true })
  folder.write("handlers/voice.ts", `export default { queue: "voice_events", on: { "*"() {} } }`)
  folder.write("handlers/audit.ts", `export default { queue: "audit", bind: ["audit.#"], on: { "*"() {} } }`)
  const settings = { SCHEMAS_DIR: "schemas", WORKER_POOL_SIZE: "1" }
  const before = await folder.start(settings)
  await waitUntil(isReady(before), "the service to be ready")
  await before.stop()
  folder.remove("handlers/audit.ts")
  const service = await folder.start(settings)
  await waitUntil(isReady(service), "the service to be ready")
  return service
}

/** Sends the request. The tests' `fetch` checks the answer against the document. */
async function statusOf(service: RunningService, { path, init }: SampleRequest): Promise<number> {
  const response = await fetch(service.url + path, init)
  // The stream of events has no end.
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) await response.body?.cancel()
  else await response.bytes()
  return response.status
}

test("every sample request of the OpenAPI document succeeds as documented", async () => {
  await using folder = new ServiceFolder()
  const service = await start(folder)
  await service.publish({ id: SAMPLE_ID, type: "voice", name: "heard" })
  const document = await openApiOf(service)
  const operations = operationsOf(document).toSorted(
    (one, other) => Number(one.operation.operationId === LAST) - Number(other.operation.operationId === LAST),
  )
  for (const { path, method, operation } of operations) {
    for (const request of sampleRequests(document, path, method, operation)) {
      const status = await statusOf(service, request)
      expect([operation.operationId, Object.keys(operation.responses)]).toEqual([
        operation.operationId,
        expect.arrayContaining([String(status)]),
      ])
      const isExpected = WITHOUT_OBJECT.includes(operation.operationId) ? status === 404 : status < 300
      expect([operation.operationId, request.path, isExpected]).toEqual([
        operation.operationId,
        request.path,
        true,
      ])
    }
  }
})

test("the sample validation finds the sample payload valid, and the sample redrive moves nothing", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/voice.ts",
    `export default { queue: "voice_events", on: { "*": (_, ctx) => ctx.deadLetter("no") } }`,
  )
  cpSync(EXAMPLE_SCHEMAS, join(folder.path, "schemas"), { recursive: true })
  const service = await folder.start({ SCHEMAS_DIR: "schemas", WORKER_POOL_SIZE: "1" })
  const document = await openApiOf(service)
  const answerOf = async (id: string): Promise<unknown> => {
    const found = operationsOf(document).find(({ operation }) => operation.operationId === id)
    const [request] =
      found === undefined ? [] : sampleRequests(document, found.path, found.method, found.operation)
    return (await fetch(service.url + request?.path, request?.init)).json()
  }
  expect(await answerOf("validatePayload")).toMatchObject({ is_valid: true })
  await service.publish({
    type: "voice",
    name: "speech_recognized",
    payload: { call_id: "c-1", text: "hello" },
  })
  const isDead = async () =>
    JSON.stringify(await answerOf("countDeadLetters")).includes('"dead_letter_count":1')
  await waitUntil(isDead, "the event to be a dead letter")
  expect(await answerOf("redriveDeadLetters")).toMatchObject({ redriven: 0, dry_run: true })
  expect(await answerOf("purgeDeadLetters")).toMatchObject({ purged: 0, remaining: 1 })
})
