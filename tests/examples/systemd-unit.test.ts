import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describeVariables, parseConfig } from "../../src/config.ts"
import { runCommand } from "../support/run-command.ts"
import { BINARY } from "../support/running-service.ts"
import { temporaryFolder } from "../support/temporary-folder.ts"

/** Of Debian's package systemd, which `npm test` installs. */
const SYSTEMD_ANALYZE = "/usr/bin/systemd-analyze"

/** The path at which the unit expects the service. */
const INSTALLED = "/usr/local/bin/event-broker"

/** Duration of a stop besides its two timeouts, in milliseconds. */
const STOP_MARGIN_MS = 2_000

const unit = readFileSync(new URL("../../examples/event-broker.service", import.meta.url), "utf8")

/** The values of a directive, in their order. */
const valuesOf = (directive: string): readonly string[] =>
  [...unit.matchAll(new RegExp(`^${directive}=(.*)$`, "gm"))].map(([, value = ""]) => value)

test("systemd takes the unit, and finds nothing to say about it", async () => {
  using folder = temporaryFolder()
  const file = join(folder.path, "event-broker.service")
  await Bun.write(file, unit.replaceAll(INSTALLED, BINARY))
  expect(valuesOf("ExecStart")).toEqual([INSTALLED])
  expect(await runCommand([SYSTEMD_ANALYZE, "verify", file], folder.path)).toEqual({
    code: 0,
    stdout: "",
    stderr: "",
  })
})

test("the unit gives the service variables that it has, and the time that a stop takes", () => {
  const environment = Object.fromEntries(valuesOf("Environment").map((each) => each.split("=", 2)))
  const known = describeVariables().map(({ name }) => String(name))
  expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([
    "BUN_RUNTIME_TRANSPILER_CACHE_PATH",
  ])
  const { SHUTDOWN_DELAY, SHUTDOWN_TIMEOUT } = parseConfig(environment)
  const [stop = ""] = valuesOf("TimeoutStopSec")
  expect(Number.parseInt(stop, 10) * 1_000).toBeGreaterThanOrEqual(
    SHUTDOWN_DELAY + SHUTDOWN_TIMEOUT + STOP_MARGIN_MS,
  )
})
