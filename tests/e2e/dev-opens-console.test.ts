import { expect, test } from "bun:test"
import { chmodSync, existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { freePorts } from "../support/free-ports.ts"
import { BINARY, ServiceFolder } from "../support/running-service.ts"
import { Terminal } from "../support/terminal.ts"
import { waitUntil } from "../support/wait-until.ts"

const DESKTOP = { DISPLAY: ":9", RABBITMQ_PASSWORD: "not-for-a-browser" }

const MODULE = 'export default { queue: "custom_events", on: { any() {} } }'

interface Dev {
  /** The file in which the browser writes down what it gets. */
  readonly notes: string
  readonly url: string
  readonly folder: ServiceFolder
  readonly terminal: Terminal
}

/** Runs `event-broker dev` in a terminal, on a machine whose browser writes down the page that it opens and its environment. */
async function runDev(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  then: (dev: Dev) => Promise<void>,
): Promise<void> {
  await using folder = new ServiceFolder()
  const notes = join(folder.path, "notes")
  folder.write(
    "bin/xdg-open",
    `#!/bin/sh\n{ echo "$@"; env; } > "${notes}.new" && mv "${notes}.new" "${notes}"\n`,
  )
  chmodSync(join(folder.path, "bin/xdg-open"), 0o755)
  const [port] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  await using terminal = new Terminal([BINARY, "dev", ...args], folder.path, {
    PATH: `${join(folder.path, "bin")}:${process.env["PATH"]}`,
    HOST: "127.0.0.1",
    PORT: String(port),
    ...environment,
  })
  await waitUntil(() => terminal.output.includes(`${url}/docs`), "the service to listen")
  await then({ notes, url, folder, terminal })
  terminal.type("\x03")
  await terminal.ended()
}

test("dev opens the console in the browser of a desktop, and tells it no secrets", () =>
  runDev([], DESKTOP, async ({ notes, url }) => {
    await waitUntil(() => existsSync(notes), "the browser to be opened")
    const [page, ...variables] = readFileSync(notes, "utf8").split("\n")
    expect(page).toBe(`${url}/console`)
    expect(variables).toContain("DISPLAY=:9")
    expect(variables.join("\n")).not.toContain(DESKTOP.RABBITMQ_PASSWORD)
  }))

test.each([
  ["without a desktop", [], {}],
  ["with --no-open", ["--no-open"], DESKTOP],
  ["without a console", [], { ...DESKTOP, CONSOLE: "off" }],
] as const)("dev opens nothing %s", (_case, args, environment) =>
  runDev(args, environment, async ({ notes, folder, terminal }) => {
    // A reload comes after the moment at which the console would have been opened, and starts more than a browser does.
    folder.write("handlers/late.ts", MODULE)
    await waitUntil(() => terminal.output.includes("handler modules loaded"), "a reload after the start")
    expect(existsSync(notes)).toBe(false)
  }),
)
