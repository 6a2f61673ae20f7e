import { existsSync } from "node:fs"
import { join } from "node:path"
import { bunTests } from "./bun-tests.mjs"
import { staticChecks } from "./static-checks.mjs"
import { ensureToolchain, ROOT } from "./toolchain.mjs"

/** Tests that need neither the binary nor much time. */
const UNIT_TESTS = [
  "tests/app",
  "tests/event",
  "tests/handlers",
  "tests/workers",
  "tests/delivery",
  "tests/http",
  "tests/telemetry",
  "tests/config.test.ts",
  "tests/architecture.test.ts",
]

const bun = ensureToolchain()
const checks = await staticChecks()
const tests = await bunTests(
  bun,
  UNIT_TESTS.filter((path) => existsSync(join(ROOT, path))),
)
process.exit(checks.failed + tests.failed > 0 ? 1 : 0)
