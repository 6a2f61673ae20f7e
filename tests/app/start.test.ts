import { expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { EmbeddedEngine } from "../../src/engine/embedded/embedded-engine.ts"
import { ChildProcess } from "../support/child-process.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

const START_APP = new URL("../support/start-app.ts", import.meta.url)

/** Starts that fail at one step after the other. Each has done the steps of those above it. */
const STEPS = [
  { start: "fails at finding the modules", variables: { HANDLERS_DIR: "gone" }, error: "HandlersDirError" },
  { start: "fails at reading the schemas", files: { "schemas/voice/a.json": "{" }, error: "SchemaFileError" },
  { start: "fails at reading the keys", files: { keys: "no key" }, error: "KeyFileError" },
  {
    start: "fails at opening the engine",
    files: { "data/event-broker.db": "no store" },
    error: "EngineStartError",
  },
  {
    start: "fails at looking up the host",
    variables: { HOST: "no-such-host.invalid" },
    error: "ListenError",
  },
  { start: "fails at listening", variables: { HOST: "192.0.2.1" }, error: "ListenError" },
  { start: "fails at loading the modules", files: { "handlers/a.ts": "throw 1" }, error: "ModuleLoadError" },
  {
    start: "fails at declaring the queues",
    files: { "handlers/a.ts": 'export default { queue: "lost", on: { a() {} } }' },
    error: "ModuleLoadError",
  },
  { start: "succeeds", error: "started" },
] as const satisfies readonly Step[]

interface Step {
  readonly start: string
  readonly variables?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
  readonly error: string
}

test.each<Step>(STEPS)(
  "a service whose start $start leaves nothing behind when it has stopped",
  async ({ variables, files, error }) => {
    using folder = temporaryFolder()
    const given = {
      keys: '{"name":"a","sha256":"501a3a7b47e01bf632a54d6b2a177c9565dbe44cecbdfa2f7fb87eccfb8f1fe6","scopes":["read"]}\n',
      "schemas/voice/a.json": "{}",
      "handlers/a.ts": 'export default { queue: "voice_events", on: { a() {} } }',
      ...files,
    }
    for (const [path, text] of Object.entries(given)) {
      mkdirSync(join(folder.path, path, ".."), { recursive: true })
      writeFileSync(join(folder.path, path), text)
    }
    const at = (name: string): string => join(folder.path, name)
    await using child = new ChildProcess(START_APP, [], {
      HOST: "127.0.0.1",
      PORT: "0",
      DATA_DIR: at("data"),
      API_KEYS_FILE: at("keys"),
      SCHEMAS_DIR: at("schemas"),
      ...variables,
      HANDLERS_DIR: at(variables?.["HANDLERS_DIR"] ?? "handlers"),
    })
    // It ends by itself: no worker, thread, timer or socket is left.
    expect(await child.exited()).toEqual({ code: 0, errors: "" })
    expect(child.lines.at(-1)).toBe(error)
    if (files?.["data/event-broker.db"] !== undefined) return
    await EmbeddedEngine.open({ dataDir: at("data") }).close()
  },
)
