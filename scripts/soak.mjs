import { compile } from "./compile.mjs"
import { ensureRabbitMq } from "./rabbitmq.mjs"
import { run } from "./run.mjs"
import { ensureToolchain } from "./toolchain.mjs"

const bun = ensureToolchain()
ensureRabbitMq()
let code = await compile(bun)
if (code === 0) code = await run(bun, ["soak/soak.ts", ...process.argv.slice(2)])
process.exit(code)
