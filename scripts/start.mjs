import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { run } from "./run.mjs"
import { ensureToolchain, ROOT } from "./toolchain.mjs"

const bun = ensureToolchain()
const envFile = join(ROOT, ".env")
const isSetInFile = existsSync(envFile) && /^HANDLERS_DIR=/m.test(readFileSync(envFile, "utf8"))
const env = isSetInFile ? process.env : { HANDLERS_DIR: "examples/handlers", ...process.env }

// The service reads .env itself, because Bun would expand variables within a password.
const args = ["--no-env-file", "src/main.ts", "serve", "--greet", ...process.argv.slice(2)]
process.exit(await run(bun, args, { env }))
