import { spawn } from "node:child_process"
import { ROOT } from "./toolchain.mjs"

/** Runs a command in this terminal and forwards signals to it. Resolves with its exit code. */
export function run(command, args, { env = process.env, cwd = ROOT } = {}) {
  const child = spawn(command, args, { cwd, env, stdio: "inherit" })
  const forward = (signal) => {
    // Ctrl-C on a terminal reaches the command, too, which would take a second signal for an order to end at once.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal)
  }
  process.on("SIGINT", forward)
  process.on("SIGTERM", forward)
  return new Promise((resolve) => {
    const end = (code) => {
      process.off("SIGINT", forward)
      process.off("SIGTERM", forward)
      resolve(code)
    }
    child.on("error", (error) => {
      console.error(`can't run ${command}: ${error.message}`)
      end(1)
    })
    child.on("exit", (code) => end(code ?? 1))
  })
}
