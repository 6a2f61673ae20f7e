import { describe, expect, test } from "bun:test"
import { freePorts } from "../support/free-ports.ts"
import { hostileService } from "../support/hostile-service.ts"
import { runCommand } from "../support/run-command.ts"
import { BINARY, ServiceFolder } from "../support/running-service.ts"
import { Terminal } from "../support/terminal.ts"
import { HOSTILE, obeyedIn } from "../support/unprintable.ts"
import { waitUntil } from "../support/wait-until.ts"

const VOICE = ["--type", "voice", "--name", "ended"]

/** Commands that show what a service answers, and whether that is all JSON with `--json`. */
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

/** What the commands themselves have a terminal do: bold, dim, colours and their ends, and a line written anew. */
const OWN_SEQUENCES = new RegExp(`${"\x1b"}\\[(?:0|1|2|22|31|33|39)m|\\r${"\x1b"}\\[K`, "g")

function preparedFolder(): ServiceFolder {
  const folder = new ServiceFolder()
  folder.write("payload.json", "{}")
  folder.write("events.ndjson", "{}\n")
  return folder
}

/** Where the service is; for what reads the configuration, hostile values in it. */
const environmentOf = (
  command: string | undefined,
  port: number | undefined,
): Readonly<Record<string, string>> =>
  command === "config" || command === "serve"
    ? { PORT: HOSTILE, LOG_LEVEL: HOSTILE }
    : { PORT: String(port), EVENT_BROKER_URL: `http://127.0.0.1:${port}` }

describe("a command that shows text of others leaves a terminal as it is", () => {
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

test("columns stand straight whatever is in them", async () => {
  await using folder = preparedFolder()
  await using service = hostileService()
  const { stdout } = await runCommand([BINARY, "queues"], folder.path, environmentOf("queues", service.port))
  const [head = "", ...rows] = stdout.trimEnd().split("\n")
  const end = head.indexOf("waiting") + "waiting".length
  // The number of waiting events stands below the end of its name, as wide as the terminal shows it.
  expect(rows.map((row) => numberEndingAt(row, end))).toEqual(["1", "22"])
})

/** The digits that end at a column of a terminal. */
function numberEndingAt(row: string, end: number): string | undefined {
  const starts = Array.from(row).map((_, place, all) => all.slice(0, place + 1).join(""))
  const before = starts.findLast((start) => Bun.stringWidth(start) <= end)
  return /\d+$/.exec(before ?? "")?.[0]
}

test("the log of a service on a terminal tells what handlers say, and the terminal obeys none of it", async () => {
  await using folder = new ServiceFolder()
  folder.write(
    "handlers/hostile.ts",
    `const text = ${JSON.stringify(HOSTILE)}
    export default { queue: "custom_events", retry: { attempts: 1 }, on: { "*": (event, ctx) => {
      ctx.log.warn(text, { [text]: text })
      console.log(text)
      throw new Error(text)
    } } }`,
  )
  const [port = 0] = await freePorts(1)
  const environment = { PORT: String(port), HOST: "127.0.0.1", LOG_LEVEL: "DEBUG" }
  await using terminal = new Terminal([BINARY], folder.path, environment)
  await waitUntil(() => terminal.output.includes('"listening"'), "the service to listen")
  await fetch(`http://127.0.0.1:${port}/api/v1/events`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ type: "custom", name: "said", payload: { text: HOSTILE } }),
  })
  await waitUntil(() => terminal.output.split("forged row").length > 4, "the handler's lines")
  terminal.type("\x03")
  const output = await terminal.ended()
  expect(obeyedIn(output.replace("^C", ""))).toEqual([])
  const lines = output.replace("^C", "").trimEnd().split("\n")
  const messages = lines.map((line) => JSON.parse(line).msg)
  expect(messages).toContain(HOSTILE)
  // What was being handled when the signal came is told behind it.
  expect(messages).toContain("stopping")
})
