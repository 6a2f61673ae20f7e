import { compile } from "./compile.mjs"
import { ensureRabbitMq } from "./rabbitmq.mjs"
import { run } from "./run.mjs"
import { ensureToolchain } from "./toolchain.mjs"

const bun = ensureToolchain()
ensureRabbitMq()
let code = await compile(bun)
const [first, ...rest] = process.argv.slice(2)
/** `call-centre` is a day of the example; anything else is passed to the soak. */
const command =
  first === "call-centre" ? ["soak/call-centre.ts", ...rest] : ["soak/soak.ts", ...process.argv.slice(2)]
if (code === 0) code = await run(bun, command)
process.exit(code)
