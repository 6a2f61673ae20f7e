import { join } from "node:path"
import { run } from "./run.mjs"
import { ROOT } from "./toolchain.mjs"

const CHECKS = [
  ["types", "tsc", ["--noEmit"]],
  ["types of the template", "tsc", ["--noEmit", "--project", "templates"]],
  ["types of the console", "tsc", ["--noEmit", "--project", "src/console/page"]],
  ["lint", "biome", ["check", "."]],
  ["unused code", "knip", ["--no-progress"]],
]

/** Checks types, lint and unused code, continuing after a failure. Returns a count of each outcome. */
export async function staticChecks() {
  const count = { passed: 0, failed: 0 }
  for (const [name, tool, args] of CHECKS) {
    const code = await run(join(ROOT, "node_modules", ".bin", tool), args)
    console.log(`${name}: ${code === 0 ? "passed" : "failed"}`)
    if (code === 0) count.passed++
    else count.failed++
  }
  return count
}
