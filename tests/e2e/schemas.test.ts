import { expect, test } from "bun:test"
import { cpSync } from "node:fs"
import { join } from "node:path"
import { ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const EXAMPLES = join(import.meta.dir, "..", "..", "examples")
const SPEECH = { type: "voice", name: "speech_recognized", payload: { call_id: "c-1", text: "hello" } }

function folderWithExamples(): ServiceFolder {
  const folder = new ServiceFolder()
  cpSync(join(EXAMPLES, "schemas"), join(folder.path, "schemas"), { recursive: true })
  return folder
}

test("the examples' schemas apply to events from HTTP and from handlers", async () => {
  await using folder = folderWithExamples()
  folder.write(
    "handlers/follow.ts",
    `export default { queue: "voice_events", retry: { attempts: 1 }, on: {
      async speech_recognized(event, ctx) {
        await ctx.publish({ type: "notification", name: "alert.raised", payload: event.payload.alert ?? {} })
      },
    } }`,
  )
  const service = await folder.start({ SCHEMAS_DIR: "schemas" })
  const listed = (await service.get("/api/v1/schemas")).body as readonly { readonly name: string }[]
  expect(listed.map(({ name }) => name).toSorted()).toEqual(
    [
      "alert.raised",
      "call.ended",
      "call.started",
      "login",
      "service_started",
      "speech_recognized",
    ].toSorted(),
  )
  expect((await service.post("/api/v1/events", SPEECH)).status).toBe(201)
  const refused = await service.post("/api/v1/events", { ...SPEECH, payload: { text: 1, alert: {} } })
  expect(refused.status).toBe(422)
  const dead = () => service.log.find(({ msg }) => msg === "event is now a dead letter")
  await waitUntil(() => dead() !== undefined, "the handler's publish to be refused")
  expect(JSON.stringify(dead())).toContain("/payload/reason is required")
})

test("SCHEMA_VALIDATION=warn stores an invalid event and logs it, off checks nothing, and SCHEMA_UNKNOWN=refuse rejects events without a schema", async () => {
  await using folder = folderWithExamples()
  const bad = { ...SPEECH, payload: {} }
  const unknown = { type: "custom", name: "unheard", payload: {} }
  const statuses = async (variables: Record<string, string>) => {
    const service = await folder.start({ SCHEMAS_DIR: "schemas", ...variables })
    const answers = [await service.post("/api/v1/events", bad), await service.post("/api/v1/events", unknown)]
    await service.stop()
    const isToldOf = service.log.some(({ msg }) => msg === "an event breaks its schema")
    return [...answers.map(({ status }) => status), isToldOf]
  }
  expect(await statuses({})).toEqual([422, 201, false])
  expect(await statuses({ SCHEMA_UNKNOWN: "refuse" })).toEqual([422, 422, false])
  expect(await statuses({ SCHEMA_VALIDATION: "warn" })).toEqual([201, 201, true])
  expect(await statuses({ SCHEMA_VALIDATION: "off", SCHEMA_UNKNOWN: "refuse" })).toEqual([201, 201, false])
}, 30_000)

test.each([
  ["schemas/user/login.json", '{\n  "type": "object",\n}', "user/login.json:3:1"],
  ["schemas/user/login.json", '{"type":"objct"}', "user/login.json"],
  ["schemas/user/login.json", '{"patternProperties":{"(?=a)":{}}}', "user/login.json"],
])("a file that is not a schema stops the start, in one sentence", async (file, text, named) => {
  await using folder = folderWithExamples()
  folder.write(file, text)
  const service = folder.spawn([], { SCHEMAS_DIR: "schemas" })
  expect(await service.exited()).toBe(1)
  expect(service.stderr).toStartWith(`event-broker: the schema ${named} can't be used: `)
  expect(service.stderr.trim().split("\n")).toHaveLength(1)
})

test("a pattern that is slow elsewhere is checked against a long text, and the service stays healthy", async () => {
  await using folder = new ServiceFolder()
  folder.write("schemas/custom/slow.json", '{"properties":{"text":{"pattern":"^(a+)+$"}}}')
  const service = await folder.start({ SCHEMAS_DIR: "schemas" })
  const publish = (text: string) =>
    service.post("/api/v1/events", { type: "custom", name: "slow", payload: { text } })
  const slow = "a".repeat(100_000)
  const [refused, health, stored] = await Promise.all([
    publish(`${slow}b`),
    service.get("/health/live"),
    publish(slow),
  ])
  expect([refused.status, health.status, stored.status]).toEqual([422, 200, 201])
  const { errors } = (await refused.json()) as { readonly errors: unknown }
  expect(errors).toEqual([{ pointer: "/payload/text", message: 'must match pattern "^(a+)+$"' }])
})
