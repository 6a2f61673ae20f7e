import { compile } from "./compile.mjs"
import { run } from "./run.mjs"
import { ensureToolchain } from "./toolchain.mjs"

const bun = ensureToolchain()
const built = await compile(bun)
process.exit(built === 0 ? await run(bun, ["bench/publish.ts", ...process.argv.slice(2)]) : built)
