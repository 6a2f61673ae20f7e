import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run } from "./run.mjs"
import { ROOT } from "./toolchain.mjs"

/** Default timeout of one test, in milliseconds. */
const TIMEOUT_MS = 60_000

/** Test files that run in parallel. They mostly wait: for retries, for RabbitMQ to start. */
const SIDE_BY_SIDE = 2

/**
 * Durations of the longest files, in milliseconds: those start first, so that none runs alone at the end. A
 * file that is not listed counts as short. `bun test --timings=tests/timings.json --update-timings` updates
 * them.
 */
const TIMINGS = join(ROOT, "tests", "timings.json")

/** Runs tests. Returns how many passed and failed; a run that ends without a report counts as a failure. */
export async function bunTests(bun, paths) {
  const folder = mkdtempSync(join(tmpdir(), "event-broker-tests-"))
  const report = join(folder, "report.xml")
  const reporter = ["--reporter=junit", `--reporter-outfile=${report}`]
  const processes = [`--parallel=${SIDE_BY_SIDE}`, "--no-isolate", `--timings=${TIMINGS}`]
  const code = await run(bun, ["test", `--timeout=${TIMEOUT_MS}`, ...processes, ...reporter, ...paths])
  const xml = existsSync(report) ? readFileSync(report, "utf8") : null
  rmSync(folder, { recursive: true })
  for (const { file, failed } of xml === null ? [] : failuresOf(xml)) console.log(`${file}: ${failed} failed`)
  const count = xml === null ? { passed: 0, failed: 1 } : read(xml)
  const isCrash = code !== 0 && count.failed === 0
  return isCrash || count.passed === 0 ? { ...count, failed: count.failed + 1 } : count
}

/**
 * Returns the files with failed tests, because the output of a long file is split, with other files' output
 * in between.
 */
function failuresOf(xml) {
  const failures = new Map()
  for (const [, attributes] of xml.matchAll(/<testcase ([^>]*[^/])>\s*<(?:failure|error)/g)) {
    const file = /\bfile="([^"]*)"/.exec(attributes)?.[1] ?? "?"
    failures.set(file, (failures.get(file) ?? 0) + 1)
  }
  return [...failures].map(([file, failed]) => ({ file, failed }))
}

/** Counts a skipped test as failed: none may be left out. */
function read(xml) {
  const totals = /<testsuites[^>]*>/.exec(xml)?.[0] ?? ""
  const number = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(totals)?.[1] ?? 0)
  const failed = number("failures") + number("errors") + number("skipped")
  return { passed: number("tests") - failed, failed }
}
