import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { freePorts } from "../support/free-ports.ts"
import { ServiceFolder } from "../support/running-service.ts"
import { Terminal } from "../support/terminal.ts"
import { waitUntil } from "../support/wait-until.ts"

const TIMEOUT_MS = 60_000
const ROOT = join(import.meta.dir, "..", "..")
const NPM_START = ["npm", "start"]

/** Writes a handler that a second signal would interrupt. Returns the environment of a service that loads it. */
function prepare(folder: ServiceFolder): Readonly<Record<string, string>> {
  folder.write(
    "handlers/slow.ts",
    `export default { queue: "custom_events", on: {
      async slow(event) { ${folder.journal('"begun in " + process.pid')}; await Bun.sleep(500); ${folder.journal('"done"')} },
    } }`,
  )
  return {
    PATH: process.env["PATH"] ?? "",
    NO_COLOR: "1",
    DATA_DIR: join(folder.path, "data"),
    HANDLERS_DIR: join(folder.path, "handlers"),
  }
}

/** Waits until the handler runs. Returns a disposer that ends the service, if it is left behind. */
async function begun(folder: ServiceFolder): Promise<Disposable> {
  await waitUntil(() => folder.journalLines().length > 0, "the handler to begin")
  const pid = Number(folder.journalLines()[0]?.replace("begun in ", ""))
  return {
    [Symbol.dispose](): void {
      if (runs(pid)) process.kill(pid, "SIGKILL")
    },
  }
}

/** Returns true while a process of this service runs. Its id may have been given to another program. */
function runs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("src/main.ts")
  } catch {
    // It has ended.
    return false
  }
}

test(
  "a SIGTERM to npm start reaches the service once: its handler finishes, and the exit code is 0",
  async () => {
    await using folder = new ServiceFolder(NPM_START)
    const service = folder.spawnIn(ROOT, prepare(folder))
    await service.listening()
    await service.publish({ name: "slow" })
    using _ = await begun(folder)
    service.signal("SIGTERM")
    await waitUntil(() => service.log.at(-1)?.msg === "stopped", "the service to stop")
    expect(await service.exited()).toBe(0)
    expect(folder.journalLines().slice(1)).toEqual(["done"])
  },
  TIMEOUT_MS,
)

test(
  "Ctrl-C on the terminal of npm start reaches the service once: its handler finishes",
  async () => {
    await using folder = new ServiceFolder()
    const [port] = await freePorts(1)
    const environment = { ...prepare(folder), HOST: "127.0.0.1", PORT: String(port) }
    await using terminal = new Terminal(NPM_START, ROOT, environment)
    await waitUntil(() => terminal.output.includes("/docs"), "the banner")
    const body = JSON.stringify({ type: "custom", name: "slow", payload: {} })
    const headers = { "Content-Type": "application/json" }
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/events`, { method: "POST", headers, body })
    expect(answer.status).toBe(201)
    using _ = await begun(folder)
    terminal.type("\x03")
    expect(await terminal.ended()).toContain("INFO  stopped  signal=SIGINT")
    expect(folder.journalLines().slice(1)).toEqual(["done"])
  },
  TIMEOUT_MS,
)
