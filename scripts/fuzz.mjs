import { compile } from "./compile.mjs"
import { run } from "./run.mjs"
import { ensureToolchain } from "./toolchain.mjs"

const bun = ensureToolchain()
let code = await compile(bun)
if (code === 0) code = await run(bun, ["fuzz/fuzz.ts", ...process.argv.slice(2)])
process.exit(code)
