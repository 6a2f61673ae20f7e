import { containerTests } from "./container-tests.mjs"
import { ensureToolchain } from "./toolchain.mjs"

const { passed, failed } = await containerTests(ensureToolchain())
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
