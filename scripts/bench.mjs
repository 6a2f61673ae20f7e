import { compile } from "./compile.mjs"
import { ensureRabbitMq } from "./rabbitmq.mjs"
import { run } from "./run.mjs"
import { ensureToolchain } from "./toolchain.mjs"

const bun = ensureToolchain()
ensureRabbitMq()
let code = await compile(bun)
for (const script of ["bench/publish.ts", "bench/costs.ts", "bench/rabbitmq.ts", "bench/delivery.ts"]) {
  if (code === 0) code = await run(bun, [script, ...process.argv.slice(2)])
}
process.exit(code)
