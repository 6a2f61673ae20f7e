import { expect, test } from "bun:test"
import { existsSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NewProject } from "../support/new-project.ts"
import { runCommand } from "../support/run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { waitUntil } from "../support/wait-until.ts"

const TYPES = "types/event-payloads.ts"

const SCHEMA = {
  type: "object",
  properties: { call_id: { type: "string" }, seconds: { type: "number" } },
  required: ["call_id"],
  additionalProperties: false,
}

const types = (folder: string, ...options: string[]) => runCommand([BINARY, "types", ...options], folder)

const logged = (service: RunningService, message: string) => service.log.filter(({ msg }) => msg === message)

test("types writes the types of the schemas, and --check tells whether they are current", async () => {
  await using folder = new ServiceFolder()
  const project = await NewProject.in(folder)
  const current = `${TYPES} is current\n`
  expect(await types(project.path, "--check")).toEqual({ code: 0, stdout: current, stderr: "" })
  expect(await types(project.path)).toEqual({ code: 0, stdout: current, stderr: "" })

  project.write("schemas/voice/call.ended.json", JSON.stringify(SCHEMA))
  const before = project.read(TYPES)
  expect(await types(project.path, "--check")).toEqual({
    code: 1,
    stdout: `${TYPES} is not current: run event-broker types\n`,
    stderr: "",
  })
  expect(JSON.parse((await types(project.path, "--check", "--json")).stdout)).toEqual({
    file: TYPES,
    is_current: false,
  })
  expect(project.read(TYPES)).toBe(before)

  expect(await types(project.path)).toEqual({ code: 0, stdout: `wrote ${TYPES}\n`, stderr: "" })
  expect(project.read(TYPES)).toContain(
    '"voice/call.ended": {\n      call_id: string\n      seconds?: number\n    }',
  )
  expect((await types(project.path, "--check")).code).toBe(0)
  project.write(TYPES, project.read(TYPES).replaceAll("\n", "\r\n"))
  expect((await types(project.path, "--check")).code).toBe(0)
})

test("a project's types find a wrong payload once its schema has changed", async () => {
  await using folder = new ServiceFolder()
  const project = await NewProject.in(folder)
  project.installTypes()
  project.write("schemas/voice/call.ended.json", JSON.stringify(SCHEMA))
  project.write(
    "handlers/calls.ts",
    `import type { HandlerModule } from "event-broker"
export default { queue: "calls", bind: ["events.voice.call.*"], on: {
  "call.ended": async (event, ctx) => {
    ctx.log.info("ended", { seconds: event.payload.seconds?.toFixed(1) })
    await ctx.publish({ type: "voice", name: "speech_recognized", payload: { call_id: event.payload.call_id, text: "bye" } })
  },
} } satisfies HandlerModule
`,
  )
  rmSync(join(project.path, "handlers/voice.ts"))
  rmSync(join(project.path, "tests/voice.test.ts"))
  expect((await project.checkTypes()).code).not.toBe(0)
  await types(project.path)
  expect(await project.checkTypes()).toEqual({ code: 0, stdout: "", stderr: "" })
  const { seconds: _, ...properties } = SCHEMA.properties
  project.write("schemas/voice/call.ended.json", JSON.stringify({ ...SCHEMA, properties }))
  await types(project.path)
  expect((await project.checkTypes()).stdout).toContain(
    "handlers/calls.ts(4,52): error TS2339: Property 'seconds'",
  )
})

test("types needs SCHEMAS_DIR, and names a schema that can't be used", async () => {
  await using folder = new ServiceFolder()
  const unset = await types(folder.path)
  expect(unset).toEqual({
    code: 2,
    stdout: "",
    stderr: "event-broker: SCHEMAS_DIR is not set: set it to the folder of the schemas\n",
  })
  folder.write(".env", "SCHEMAS_DIR=schemas")
  folder.write("schemas/voice/a.json", '{"type":"strin"}')
  const broken = await types(folder.path)
  expect(broken.code).toBe(2)
  expect(broken.stderr).toStartWith("event-broker: the schema voice/a.json can't be used: /type")
  folder.write("schemas/voice/a.json", "{}")
  folder.write("types", "a file")
  expect(await types(folder.path)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`${TYPES} can't be`),
  })
})

test("dev writes the types of a project at its start and after each change, and says that a restart is needed", async () => {
  await using folder = new ServiceFolder()
  const project = await NewProject.in(folder)
  rmSync(join(project.path, TYPES))
  const service = folder.spawnIn(project.path, { LOG_FORMAT: "json" }, ["dev"])
  await service.listening()
  await waitUntil(() => logged(service, "types of payloads written").length === 1, "the types")
  expect((await types(project.path, "--check")).code).toBe(0)

  const schema = join(project.path, "schemas/voice/call.ended.json")
  writeFileSync(schema, JSON.stringify(SCHEMA))
  const isTold = () => logged(service, "schemas changed: restart to validate payloads with them").length === 1
  await waitUntil(isTold, "the change")
  expect((await types(project.path, "--check")).code).toBe(0)
  expect(project.read(TYPES)).toContain("voice/call.ended")

  // The same schema once more needs no restart.
  rmSync(join(project.path, TYPES))
  writeFileSync(schema, JSON.stringify(SCHEMA))
  await waitUntil(() => logged(service, "types of payloads written").length === 3, "the types to come back")
  const written = project.read(TYPES)
  writeFileSync(schema, '{"type":"strin"}')
  await waitUntil(() => logged(service, "types of payloads not written").length === 1, "the fault")
  const [fault] = logged(service, "types of payloads not written")
  expect(fault?.["reason"]).toStartWith("the schema voice/call.ended.json")
  expect(project.read(TYPES)).toBe(written)
  expect(isTold()).toBe(true)
  expect(service.isAlive).toBe(true)
})

test("dev writes nothing in a folder that is no project, and serve writes nothing at all", async () => {
  await using folder = new ServiceFolder()
  folder.write("schemas/voice/call.ended.json", JSON.stringify(SCHEMA))
  folder.write("types/own.ts", "export {}")
  const service = folder.spawn(["dev"], { LOG_FORMAT: "json", SCHEMAS_DIR: "schemas" })
  await service.listening()
  await waitUntil(
    () =>
      logged(service, "handler modules loaded").length +
        logged(service, "handler modules are unchanged").length >
      0,
    "the modules",
  )
  expect(existsSync(join(folder.path, TYPES))).toBe(false)

  const project = await NewProject.in(folder)
  rmSync(join(project.path, TYPES))
  await folder.spawnIn(project.path).listening()
  expect(existsSync(join(project.path, TYPES))).toBe(false)
})
