import { spawn } from "node:child_process"
import { join } from "node:path"
import { ensureToolchain, ROOT } from "./toolchain.mjs"

/**
 * Serves the console while you write it: bundles the page again when a file of it changes, and passes every other request on
 * to a running service. Arguments: URL of the service (http://127.0.0.1:8000), port to listen on (8001).
 */
const bun = ensureToolchain()
const script = join(ROOT, "src", "console", "serve-page.ts")
const child = spawn(bun, ["--no-env-file", script, ...process.argv.slice(2)], { stdio: "inherit" })
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal))
child.on("exit", (code) => process.exit(code ?? 1))
