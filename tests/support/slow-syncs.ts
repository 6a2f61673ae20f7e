import { existsSync } from "node:fs"
import { waitUntil } from "./wait-until.ts"

const STRACE = "/usr/bin/strace"

/** A process with slow syncs, as on a slow disk: strace delays each `fdatasync` and `fsync`. */
export class SlowSyncs implements AsyncDisposable {
  readonly #strace: Bun.Subprocess<"ignore", "ignore", "pipe">

  static async of(pid: number, syncMs: number): Promise<SlowSyncs> {
    if (!existsSync(STRACE)) throw new Error(`${STRACE} is missing: npm test installs it on Debian`)
    const inject = `inject=fdatasync,fsync:delay_enter=${syncMs * 1_000}`
    const command = [STRACE, "--follow-forks", "-e", "trace=fdatasync,fsync", "-e", inject, "-o", "/dev/null"]
    const slow = new SlowSyncs(
      Bun.spawn([...command, "-p", String(pid)], { stdin: "ignore", stdout: "ignore", stderr: "pipe" }),
    )
    await slow.#attached(pid)
    return slow
  }

  private constructor(strace: Bun.Subprocess<"ignore", "ignore", "pipe">) {
    this.#strace = strace
  }

  async #attached(pid: number): Promise<void> {
    await waitUntil(async () => {
      if (this.#strace.exitCode !== null)
        throw new Error(`strace ended: ${await new Response(this.#strace.stderr).text()}`)
      return !/^TracerPid:\s+0$/m.test(await Bun.file(`/proc/${pid}/status`).text())
    }, "strace to attach")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#strace.kill("SIGINT")
    await this.#strace.exited
  }
}
