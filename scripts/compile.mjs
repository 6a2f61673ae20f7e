import { statSync } from "node:fs"
import { join } from "node:path"
import { run } from "./run.mjs"
import { ROOT } from "./toolchain.mjs"

const BINARY = "dist/event-broker"

const FLAGS = [
  "--compile",
  "--minify",
  "--sourcemap",
  // The process that bundles handler modules loads its own part alone.
  "--splitting",
  // The npm packages of a handler module are found through their package.json at runtime.
  "--compile-autoload-package-json",
  // A stray bunfig.toml in the working directory must not run code in the binary.
  "--no-compile-autoload-bunfig",
  // The service reads .env itself, because Bun would expand variables within a password.
  "--no-compile-autoload-dotenv",
  // No --bytecode: workers would fail to resolve their modules (oven-sh/bun#40903).
]

/** Compiles the single executable. Returns the exit code. */
export async function compile(bun) {
  const code = await run(bun, [
    "build",
    ...FLAGS,
    "src/entry.ts",
    "src/workers/inside/worker.ts",
    "src/engine/embedded/commit/sync-thread.ts",
    "src/history/history-thread.ts",
    "--outfile",
    BINARY,
  ])
  if (code === 0) console.log(`${BINARY}: ${Math.round(statSync(join(ROOT, BINARY)).size / 1e6)} MB`)
  return code
}
