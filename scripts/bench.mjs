import { resolve } from "node:path"
import { compile } from "./compile.mjs"
import { ensureRabbitMq } from "./rabbitmq.mjs"
import { run } from "./run.mjs"
import { ensureToolchain } from "./toolchain.mjs"

const MEASUREMENTS = [
  "bench/publish.ts",
  "bench/costs.ts",
  "bench/rabbitmq.ts",
  "bench/history.ts",
  "bench/history-thread.ts",
  "bench/history-lookups.ts",
  "bench/delivery.ts",
  "bench/save-to-event.ts",
]

// `-- --before <binary>` compares another binary of the service with the one from these sources.
const [option, before, ...rest] = process.argv.slice(2)
if (option === "--before" && before === undefined) {
  console.error(
    "--before needs the path of another binary of the service: npm run bench -- --before <binary>",
  )
  process.exit(2)
}
const measured =
  option === "--before"
    ? [["bench/compare.ts", resolve(before), ...rest]]
    : MEASUREMENTS.map((script) => [script, ...process.argv.slice(2)])

const bun = ensureToolchain()
ensureRabbitMq()
let code = await compile(bun)
for (const script of measured) if (code === 0) code = await run(bun, script)
process.exit(code)
