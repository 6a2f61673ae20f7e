import { bunTests } from "./bun-tests.mjs"
import { compile } from "./compile.mjs"
import { staticChecks } from "./static-checks.mjs"
import { ensureToolchain } from "./toolchain.mjs"

const bun = ensureToolchain()
const checks = await staticChecks()
const isBuilt = (await compile(bun)) === 0
const tests = await bunTests(bun, process.argv.slice(2))

const passed = checks.passed + tests.passed + (isBuilt ? 1 : 0)
const failed = checks.failed + tests.failed + (isBuilt ? 0 : 1)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
