import { describe, expect, test } from "bun:test"
import { freePorts } from "../support/free-ports.ts"
import { hostileService } from "../support/hostile-service.ts"
import { runCommand } from "../support/run-command.ts"
import { BINARY, type RunningService, ServiceFolder } from "../support/running-service.ts"
import { Terminal } from "../support/terminal.ts"
import { HOSTILE, obeyedIn } from "../support/unprintable.ts"
import { waitUntil } from "../support/wait-until.ts"

const VOICE = ["--type", "voice", "--name", "ended"]

/** Commands that show answers of a service, and true if `--json` makes all of their output JSON. */
const COMMANDS: readonly (readonly [arguments_: readonly string[], hasJson: boolean])[] = [
  [["dead-letters", "list"], true],
  [["dead-letters", "list", "q"], true],
  [["queues"], true],
  [["schemas", "list"], true],
  [["schemas", "show", "voice/ended"], true],
  [["schemas", "validate", "voice/ended", "payload.json"], true],
  [["schemas", "show", "voice/unknown"], false],
  [["tail", "--count", "1"], true],
  [["publish", "events.ndjson"], false],
  [["publish", ...VOICE], false],
  [["publish", HOSTILE], false],
  [["publish", "--payload", HOSTILE, ...VOICE], false],
  [["health"], true],
  [["health", "--live"], false],
  [["openapi"], true],
  [["config"], true],
  [["serve"], false],
  [[HOSTILE], false],
]

/** The program's own terminal sequences: bold, dim, colours and their ends, and the start of a rewritten line. */
const OWN_SEQUENCES = new RegExp(`${"\x1b"}\\[(?:0|1|2|22|31|32|33|39)m|\\r${"\x1b"}\\[K`, "g")

function preparedFolder(): ServiceFolder {
  const folder = new ServiceFolder()
  folder.write("payload.json", "{}")
  folder.write("events.ndjson", "{}\n")
  return folder
}

/** Returns the address of the service, or hostile values for commands that read the configuration. */
const environmentOf = (
  command: string | undefined,
  port: number | undefined,
): Readonly<Record<string, string>> =>
  command === "config" || command === "serve"
    ? { PORT: HOSTILE, LOG_LEVEL: HOSTILE }
    : { PORT: String(port), EVENT_BROKER_URL: `http://127.0.0.1:${port}` }

describe("a command that shows text from outside does not let it control the terminal", () => {
  for (const [args, hasJson] of COMMANDS) {
    test(JSON.stringify(args.join(" ")), async () => {
      await using folder = preparedFolder()
      await using service = hostileService()
      const environment = environmentOf(args[0], service.port)
      await using terminal = new Terminal([BINARY, ...args], folder.path, environment)
      const shown = await terminal.ended()
      expect(obeyedIn(shown.replaceAll(OWN_SEQUENCES, ""))).toEqual([])
      expect(shown).toMatch(/\\(x|u00)1b\]0;title/)
      expect(shown.split("\n").filter((line) => line.startsWith("forged row"))).toEqual([])

      const command = [BINARY, ...args, ...(hasJson ? ["--json"] : [])]
      const { stdout, stderr } = await runCommand(command, folder.path, environment)
      expect(obeyedIn(stdout + stderr)).toEqual([])
      if (hasJson) expect(JSON.stringify(JSON.parse(stdout))).toContain(JSON.stringify(HOSTILE).slice(1, -1))
    })
  }
})

test("columns stay aligned whatever they contain", async () => {
  await using folder = preparedFolder()
  await using service = hostileService()
  const { stdout } = await runCommand([BINARY, "queues"], folder.path, environmentOf("queues", service.port))
  const [head = "", ...rows] = stdout.trimEnd().split("\n")
  const end = head.indexOf("waiting") + "waiting".length
  // The number of waiting events ends below the end of its heading, as a terminal shows it.
  expect(rows.map((row) => numberEndingAt(row, end))).toEqual(["1", "22"])
})

/** Returns the digits that end at a column of a terminal. */
function numberEndingAt(row: string, end: number): string | undefined {
  const starts = Array.from(row).map((_, place, all) => all.slice(0, place + 1).join(""))
  const before = starts.findLast((start) => Bun.stringWidth(start) <= end)
  return /\d+$/.exec(before ?? "")?.[0]
}

const HOSTILE_HANDLER = `const text = ${JSON.stringify(HOSTILE)}
  export default { queue: "custom_events", retry: { attempts: 1 }, on: { "*": (event, ctx) => {
    ctx.log.warn(text, { [text]: text })
    console.log(text)
    throw new Error(text, { cause: new Error(text) })
  } } }`

/** Runs a service whose handler writes hostile text on a terminal, publishes an event, and returns all that was shown. */
async function shownOfHostileHandler(environment: Readonly<Record<string, string>>): Promise<string> {
  await using folder = new ServiceFolder()
  folder.write("handlers/hostile.ts", HOSTILE_HANDLER)
  const [port = 0] = await freePorts(1)
  const settings = { PORT: String(port), HOST: "127.0.0.1", LOG_LEVEL: "DEBUG", ...environment }
  await using terminal = new Terminal([BINARY], folder.path, settings)
  await waitUntil(() => terminal.output.includes("listening"), "the service to listen")
  await publishTo(port, { type: "custom", name: "said", payload: { text: HOSTILE } })
  await waitUntil(() => terminal.output.includes("event is now a dead letter"), "the handler's lines")
  terminal.type("\x03")
  return (await terminal.ended()).replace("^C", "")
}

async function publishTo(port: number, event: Readonly<Record<string, unknown>>): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/events`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(event),
  })
  const { id } = (await response.json()) as { readonly id: string }
  return id
}

test("a terminal obeys nothing that handlers write to a JSON log, and the values are kept", async () => {
  const output = await shownOfHostileHandler({ LOG_FORMAT: "json" })
  expect(obeyedIn(output)).toEqual([])
  const messages = output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).msg)
  expect(messages).toContain(HOSTILE)
  expect(messages.at(-1)).toBe("stopped")
})

test("a terminal obeys nothing that handlers write to a readable log, and no text forges a line", async () => {
  const output = await shownOfHostileHandler({})
  expect(obeyedIn(output.replaceAll(OWN_SEQUENCES, ""))).toEqual([])
  expect(output).toContain("\\x1b]0;title")
  expect(output.split("\n").filter((line) => line.startsWith("forged row"))).toEqual([])
})

test("on a terminal the log has a readable line for each entry, with the event's id and the error's causes", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/failing.ts",
    `export default { queue: "custom_events", retry: { attempts: 1 }, on: { "*": () => {
      console.log("looks at it")
      throw new Error("no answer", { cause: new Error("connection refused") })
    } } }`,
  )
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const environment = { PORT: String(port), HOST: "127.0.0.1", NO_COLOR: "1" }
  await using terminal = new Terminal([BINARY], folder.path, environment)
  await waitUntil(() => terminal.output.includes(`${url}/docs`), "the banner")
  const id = await publishTo(port, { type: "custom", name: "said", payload: {} })
  await waitUntil(() => terminal.output.includes("event is now a dead letter"), "the handler's lines")
  terminal.type("\x03")
  const lines = (await terminal.ended()).replace("^C", "").replaceAll("\r\n", "\n").split("\n")
  const time = String.raw`\d\d:\d\d:\d\d\.\d{3}`
  const contains = (pattern: string) => lines.filter((line) => new RegExp(`^${pattern}$`).test(line))
  expect(contains(`${time} INFO  listening  url=${url}  workers=5  modules=failing.ts`)).toHaveLength(1)
  expect(contains(`  Event Broker .* listens on ${url}`)).toHaveLength(1)
  expect(contains(`  Engine   embedded, with its store in ${folder.path}/data`)).toHaveLength(1)
  expect(contains(`${time} INFO  looks at it  event_id=${id}  .*`)).toHaveLength(1)
  expect(contains(`${time} ERROR event is now a dead letter  event_id=${id}  .*`)).toHaveLength(1)
  expect(contains(" +Error: no answer")).toHaveLength(1)
  expect(contains(" +Caused by: Error: connection refused")).toHaveLength(1)
  expect(contains(`${time} INFO  stopped  signal=SIGINT`)).toHaveLength(1)
  expect(lines.join("")).not.toContain("\x1b")
})

test("a service without handler modules says how to make a project; one with modules does not", async () => {
  await using folder = new ServiceFolder()
  const hints = ({ log }: RunningService) => log.filter(({ msg }) => msg.includes("event-broker init"))
  const service = await folder.start()
  expect(hints(service)).toHaveLength(1)
  // A pipe is for programs: each line is JSON, without a banner.
  for (const line of service.stdout.trimEnd().split("\n")) JSON.parse(line)
  await service.stop()
  folder.write("handlers/any.ts", `export default { queue: "custom_events", on: { "*": () => {} } }`)
  expect(hints(await folder.start())).toHaveLength(0)
})

test("LOG_FORMAT=pretty writes readable lines into a pipe, with colours only on request", async () => {
  await using folder = new ServiceFolder()
  for (const [environment, colour] of [
    [{}, ""],
    [{ FORCE_COLOR: "1" }, "\x1b[32m"],
    [{ FORCE_COLOR: "1", NO_COLOR: "1" }, ""],
  ] as const) {
    const service = folder.spawn([], { LOG_FORMAT: "pretty", ...environment })
    await waitUntil(() => service.stdout.includes("listening"), "the service to listen")
    await service.stop()
    expect(service.stdout).toContain(`${colour}INFO `)
    expect(service.stdout.includes("\x1b")).toBe(colour !== "")
    expect(service.stdout).not.toContain("/docs")
  }
})
