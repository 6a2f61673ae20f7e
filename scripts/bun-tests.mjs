import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run } from "./run.mjs"

/** How long one test may take, in milliseconds, where it does not say so itself. */
const TIMEOUT_MS = 60_000

/** Runs tests. Returns how many passed and failed; a run that ends without a report counts as a failure. */
export async function bunTests(bun, paths) {
  const folder = mkdtempSync(join(tmpdir(), "event-broker-tests-"))
  const report = join(folder, "report.xml")
  const reporter = ["--reporter=junit", `--reporter-outfile=${report}`]
  const code = await run(bun, ["test", `--timeout=${TIMEOUT_MS}`, ...reporter, ...paths])
  const count = existsSync(report) ? read(readFileSync(report, "utf8")) : { passed: 0, failed: 1 }
  rmSync(folder, { recursive: true })
  const isCrash = code !== 0 && count.failed === 0
  return isCrash || count.passed === 0 ? { ...count, failed: count.failed + 1 } : count
}

/** A skipped test counts as failed: none may be left out. */
function read(xml) {
  const totals = /<testsuites[^>]*>/.exec(xml)?.[0] ?? ""
  const number = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(totals)?.[1] ?? 0)
  const failed = number("failures") + number("errors") + number("skipped")
  return { passed: number("tests") - failed, failed }
}
