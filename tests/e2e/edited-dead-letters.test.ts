import { expect, test } from "bun:test"
import { type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const PATH = "/api/v1/dead-letters/custom_events"

const SCHEMA = JSON.stringify({
  type: "object",
  properties: { amount: { type: "integer" } },
  required: ["amount"],
})

interface Letter {
  readonly event: { readonly id: string; readonly payload: unknown }
  readonly last_failed_at: number
}

const lettersOf = async (service: RunningService) =>
  ((await service.get(PATH)).body as { readonly dead_letters: readonly Letter[] }).dead_letters

/** The handler fails with amounts below zero, and writes the others into the journal. */
async function start(folder: ServiceFolder, environment: Readonly<Record<string, string>> = {}) {
  folder.write("schemas/custom/paid.json", SCHEMA)
  folder.write(
    "handlers/payments.ts",
    `export default {
      queue: "custom_events", retry: { attempts: 1 },
      on: {
        paid(event) {
          if (event.payload.amount < 0) throw new Error("no such amount");
          ${folder.journal("event.id + JSON.stringify(event.payload)")}
        },
      },
    }`,
  )
  const service = await folder.start({ SCHEMAS_DIR: "schemas", ...environment })
  await service.publish({ id: "p-1", name: "paid", payload: { amount: -5 } })
  await waitUntil(async () => (await lettersOf(service)).length === 1, "the dead letter")
  return service
}

async function edit(service: RunningService, body: unknown) {
  const response = await service.post(`${PATH}/redrive-edited`, body)
  return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> }
}

test("an edited dead letter is handled once, however often the request is repeated", async () => {
  await using folder = new ServiceFolder()
  const service = await start(folder)
  const [{ last_failed_at } = { last_failed_at: 0 }] = await lettersOf(service)
  const request = { id: "p-1", last_failed_at, payload: { amount: 5 } }
  const refused = await edit(service, { ...request, payload: { amount: "5" } })
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: "/payload/amount" }] } })
  expect(await edit(service, { ...request, payload: [] })).toMatchObject({ status: 422 })
  expect(await edit(service, { ...request, last_failed_at: 1 })).toMatchObject({ status: 404 })
  expect(await lettersOf(service)).toHaveLength(1)
  expect(await edit(service, request)).toMatchObject({
    status: 200,
    body: { id: "p-1", is_repetition: false },
  })
  expect(await edit(service, request)).toMatchObject({
    status: 200,
    body: { id: "p-1", is_repetition: true },
  })
  expect(await edit(service, { ...request, payload: { amount: 7 } })).toMatchObject({ status: 404 })
  await waitUntil(() => folder.journalLines().length > 0, "the event to be handled")
  expect(folder.journalLines()).toEqual(['p-1{"amount":5}'])
  expect(await lettersOf(service)).toEqual([])
  const history = (await service.get("/api/v1/events/p-1")).body as {
    readonly event: unknown
    readonly queues: readonly { readonly timeline: readonly Readonly<Record<string, unknown>>[] }[]
  }
  expect(history.event).toMatchObject({ payload: { amount: -5 } })
  expect(history.queues[0]?.timeline.map(({ what, outcome }) => outcome ?? what)).toEqual([
    "published",
    "dead-letter",
    "redriven",
    "handled",
  ])
  expect(history.queues[0]?.timeline[2]).toMatchObject({
    is_edited: true,
    edited_event: { id: "p-1", payload: { amount: 5 } },
  })
})

test("an edit that fails again is not made once more by a late repetition, also after a restart", async () => {
  await using folder = new ServiceFolder()
  const service = await start(folder)
  const [first] = await lettersOf(service)
  const request = {
    id: "p-1",
    last_failed_at: first?.last_failed_at,
    payload: { amount: -7 },
    metadata: { by: "me" },
  }
  expect(await edit(service, request)).toMatchObject({ status: 200, body: { is_repetition: false } })
  await waitUntil(
    async () => (await lettersOf(service))[0]?.last_failed_at !== first?.last_failed_at,
    "the next failure",
  )
  await service.stop()
  const again = await folder.start({ SCHEMAS_DIR: "schemas" })
  expect(await edit(again, request)).toMatchObject({ status: 200, body: { is_repetition: true } })
  const [letter] = await lettersOf(again)
  expect(letter?.event).toMatchObject({ payload: { amount: -7 }, metadata: { by: "me" } })
})

test("without a history a repetition finds no dead letter, and changes nothing", async () => {
  await using folder = new ServiceFolder()
  const service = await start(folder, { HISTORY: "off" })
  const request = { id: "p-1", payload: { amount: 5 } }
  expect((await edit(service, request)).status).toBe(200)
  expect(await edit(service, request)).toMatchObject({ status: 404, body: { retryable: false } })
  await waitUntil(() => folder.journalLines().length > 0, "the event to be handled")
})

test("an edit waits for room in a full queue", async () => {
  await using folder = new ServiceFolder()
  const service = await start(folder, { QUEUE_MAX_LENGTH: "1" })
  await service.post("/api/v1/events/queues/custom_events/pause", {})
  await service.publish({ id: "p-2", name: "paid", payload: { amount: 1 } })
  const request = { id: "p-1", payload: { amount: 5 } }
  expect(await edit(service, request)).toMatchObject({ status: 503, body: { retryable: true } })
  expect(await lettersOf(service)).toMatchObject([{ event: { id: "p-1", payload: { amount: -5 } } }])
  await service.post("/api/v1/events/queues/custom_events/resume", {})
  await waitUntil(() => folder.journalLines().length > 0, "the queue to have room")
  expect(await edit(service, request)).toMatchObject({ status: 200, body: { is_repetition: false } })
  await waitUntil(() => folder.journalLines().length === 2, "the event to be handled")
})
