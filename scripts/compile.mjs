import { statSync } from "node:fs"
import { join } from "node:path"
import { run } from "./run.mjs"
import { ROOT } from "./toolchain.mjs"

const BINARY = "dist/event-broker"

const FLAGS = [
  "--compile",
  "--minify",
  "--sourcemap",
  // The npm packages of a handler module are found by their package.json, at run time.
  "--compile-autoload-package-json",
  // A stray bunfig.toml where the binary is started must not run code in it.
  "--no-compile-autoload-bunfig",
  // The service reads .env itself: Bun would expand what looks like a variable in a password.
  "--no-compile-autoload-dotenv",
  // No --bytecode: workers then fail to resolve their modules (oven-sh/bun#40903).
]

/** Makes the single executable. Returns the exit code. */
export async function compile(bun) {
  const code = await run(bun, [
    "build",
    ...FLAGS,
    "src/main.ts",
    "src/runtime/worker.ts",
    "src/engine/embedded/sync-thread.ts",
    "--outfile",
    BINARY,
  ])
  if (code === 0) console.log(`${BINARY}: ${Math.round(statSync(join(ROOT, BINARY)).size / 1e6)} MB`)
  return code
}
