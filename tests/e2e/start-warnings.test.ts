import { describe, expect, test } from "bun:test"
import { freePorts } from "../support/free-ports.ts"
import { BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { Terminal } from "../support/terminal.ts"
import { waitUntil } from "../support/wait-until.ts"

const warnings = ({ log }: RunningService) => log.filter(({ level }) => level === "warn")

test("a mistyped variable is a warning at the start, from the environment and from .env", async () => {
  await using folder = new ServiceFolder()
  folder.write(".env", "QUEUE_TTTL=5000\nMY_HANDLERS_KEY=1\n")
  const service = await folder.start({ PORTT: "3000" })
  expect(warnings(service)).toEqual([
    expect.objectContaining({
      variable: "QUEUE_TTTL",
      msg: "the variable QUEUE_TTTL has no effect; did you mean QUEUE_TTL?",
    }),
    expect.objectContaining({
      variable: "PORTT",
      msg: "the variable PORTT has no effect; did you mean PORT?",
    }),
  ])
  const config = folder.spawn(["config"], { PORTT: "3000" })
  expect(await config.exited()).toBe(0)
  expect(config.stderr).toContain("event-broker: the variable PORTT has no effect; did you mean PORT?\n")
})

test("settings of RabbitMQ without its host are a warning at the start, which says what to set", async () => {
  await using folder = new ServiceFolder()
  const service = await folder.start({ RABBITMQ_PORT: "5673" })
  expect(warnings(service)).toEqual([
    expect.objectContaining({
      msg: expect.stringContaining(
        "RABBITMQ_PORT has no effect: set RABBITMQ_HOST or ENGINE=rabbitmq to use RabbitMQ",
      ),
    }),
  ])
})

test("a keys file without a key is a warning at the start, and a key that is added gets in", async () => {
  await using folder = new ServiceFolder()
  folder.write("keys", "# none yet\n")
  const service = await folder.start({ API_KEYS_FILE: "keys" })
  expect(warnings(service)).toEqual([
    expect.objectContaining({ msg: "keys file has no key: every request that needs one is refused" }),
  ])
  const ask = (key: string) =>
    fetch(`${service.url}/api/v1/queues`, { headers: { Authorization: `Bearer ${key}` } })
  expect((await ask("none")).status).toBe(401)
  const made = folder.spawn(["keys", "new", "--name", "a", "--scope", "read", "--append", "keys"])
  expect(await made.exited()).toBe(0)
  await waitUntil(async () => (await ask(made.stdout.trim())).status === 200, "the key to get in")
})

test("a mistyped pattern of a module is a warning at the start, with what was meant, and one of set topics is none", async () => {
  await using folder = new ServiceFolder()
  folder.write("schemas/voice/speech_recognized.json", '{ "type": "object" }')
  folder.write(
    "handlers/audit.ts",
    `export default { queue: "audit", bind: ["events.voice.speech_reconized", "orders.#"], on: { "*"() {} } }`,
  )
  const service = await folder.start({ SCHEMAS_DIR: "schemas" })
  expect(warnings(service).filter(({ pattern }) => pattern !== undefined)).toEqual([
    expect.objectContaining({
      module: "audit.ts",
      queue: "audit",
      pattern: "events.voice.speech_reconized",
      msg:
        "the pattern events.voice.speech_reconized of audit.ts probably matches no event: " +
        "no schema and no function names this event; did you mean events.voice.speech_recognized?",
    }),
  ])
  expect(service.log).toContainEqual(expect.objectContaining({ level: "info", pattern: "orders.#" }))
})

test("a function whose key repeats the type is a warning at the start, with the name that was meant", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/calls.ts",
    `export default { queue: "voice_events", on: { "voice.call.ended"() {} } }`,
  )
  expect(warnings(await folder.start())).toContainEqual(
    expect.objectContaining({
      module: "calls.ts",
      queue: "voice_events",
      handler: "voice.call.ended",
      msg:
        "the function voice.call.ended of calls.ts probably handles no event, because the name of an event does not " +
        "repeat its type; did you mean call.ended?",
    }),
  )
})

test("patterns that a module no longer has are removed at the start; if it has no bind at all, a warning names them", async () => {
  await using folder = new ServiceFolder()
  const write = (bind: string) =>
    folder.write("handlers/audit.ts", `export default { queue: "audit", ${bind} on: { "*"() {} } }`)
  const bindings = async (service: RunningService) =>
    (await service.get("/api/v1/queues/audit")).body as { readonly bindings: readonly string[] }
  write('bind: ["events.user.a", "events.user.b"],')
  await (await folder.start()).stop()
  write('bind: ["events.user.b"],')
  const second = await folder.start()
  expect((await bindings(second)).bindings).toEqual(["events.user.b"])
  await second.stop()
  write("")
  const third = await folder.start()
  expect(warnings(third)).toContainEqual(
    expect.objectContaining({
      module: "audit.ts",
      queue: "audit",
      patterns: ["events.user.b"],
      msg: expect.stringContaining("audit is bound by an earlier start, because audit.ts gives no bind"),
    }),
  )
  expect((await bindings(third)).bindings).toEqual(["events.user.b"])
})

test("files in the folder of modules that are not loaded are a warning at the start", async () => {
  await using folder = new ServiceFolder()
  for (const name of ["voice.tsx", "calls.py", "notes.md"]) folder.write(`handlers/${name}`, "")
  const service = await folder.start()
  expect(warnings(service)).toEqual([
    expect.objectContaining({
      files: ["calls.py", "voice.tsx"],
      msg:
        "files in HANDLERS_DIR that are not loaded: calls.py, voice.tsx; " +
        "a handler module is a .ts, .js, .mts or .mjs file: rename voice.tsx to voice.ts",
    }),
  ])
})

test("files in the folder of schemas that apply to no event are a warning at the start", async () => {
  await using folder = new ServiceFolder()
  folder.write("schemas/vioce/call.json", "{}")
  folder.write("schemas/voice/call.yaml", "type: object")
  folder.write("schemas/README.md", "")
  folder.write("none/README.md", "")
  const service = await folder.start({ SCHEMAS_DIR: "schemas" })
  expect(warnings(service)).toEqual([
    expect.objectContaining({
      files: ["vioce/call.json", "voice/call.yaml"],
      msg:
        "files in SCHEMAS_DIR that probably apply to no event: vioce/call.json (did you mean voice/call.json?), " +
        "voice/call.yaml (only *.json is read); a schema is at <type>/<name>.json or <type>/<name>@<version>.json",
    }),
  ])
  await service.stop()
  expect(warnings(await folder.start({ SCHEMAS_DIR: "none" }))).toEqual([
    expect.objectContaining({ msg: expect.stringContaining("SCHEMAS_DIR has no schema of an event") }),
  ])
})

describe("a HOST that can't be listened on is reported in one sentence, and exits 1", () => {
  test.each([
    [
      "a name without an address",
      "nohost.invalid",
      "HOST nohost.invalid is neither an address nor the name of a host",
    ],
    ["an address of another machine", "203.0.113.7", "HOST 203.0.113.7 is not an address of this machine"],
  ])("%s", async (_, HOST, message) => {
    await using folder = new ServiceFolder()
    const service = folder.spawn([], { HOST })
    expect(await service.exited()).toBe(1)
    expect(service.stderr).toStartWith(`event-broker: ${message}`)
    expect(service.stderr).toContain("set HOST to")
    expect(service.stderr).toEndWith("\n")
    expect(service.stderr.trimEnd()).not.toContain("\n")
  })
})

test("a start without RabbitMQ names the nodes, and the banner says why the engine is not ready", async () => {
  await using folder = new ServiceFolder()
  const [port = 0, closed = 0] = await freePorts(2)
  const environment = { PORT: String(port), HOST: "127.0.0.1", NO_COLOR: "1" }
  const nodes = `127.0.0.1:${closed}`
  await using terminal = new Terminal([BINARY], folder.path, { ...environment, RABBITMQ_HOST: nodes })
  await waitUntil(() => terminal.output.includes("/docs"), "the banner")
  terminal.type("\x03")
  const output = await terminal.ended()
  expect(output).toContain(`hosts=${nodes}\r\n`)
  expect(output).toContain(`  Engine   rabbitmq, on ${nodes}, virtual host /\r\n`)
  expect(output).toContain("           not ready yet, so events are refused: RabbitMQ ")
})
