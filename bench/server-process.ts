import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The binary from `npm run build`. */
export const BROKER = join(import.meta.dir, "..", "dist", "event-broker")

/** The unit of CPU times in /proc, in milliseconds: USER_HZ is 100 on Linux. */
const MS_PER_TICK = 10

/** A server to measure, as a process in an empty folder. */
export class ServerProcess implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "event-broker-bench-"))
  readonly #process: Bun.Subprocess<"ignore", "pipe", "inherit">
  url = ""

  private constructor(command: readonly string[], environment: Readonly<Record<string, string>>) {
    const env = { HOST: "127.0.0.1", PORT: "0", QUEUE_MAX_LENGTH: "100000000", ...environment }
    this.#process = Bun.spawn([...command], { cwd: this.#folder, env, stdin: "ignore", stdout: "pipe" })
  }

  static bare(): Promise<ServerProcess> {
    return ServerProcess.#start([process.execPath, join(import.meta.dir, "bare-server.ts")], {})
  }

  static broker(environment: Readonly<Record<string, string>> = {}, binary = BROKER): Promise<ServerProcess> {
    return ServerProcess.#start([binary], environment)
  }

  static async #start(
    command: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<ServerProcess> {
    const server = new ServerProcess(command, environment)
    for await (const chunk of server.#process.stdout) {
      const line = new TextDecoder()
        .decode(chunk)
        .split("\n")
        .find((each) => each.includes('"listening"'))
      if (line === undefined) continue
      server.url = JSON.parse(line).url
      return server
    }
    throw new Error(`${command.join(" ")} ended before it was listening`)
  }

  /** Returns the CPU time of the process and its threads since its start, in milliseconds. */
  async cpuMs(): Promise<number> {
    const stat = await Bun.file(`/proc/${this.#process.pid}/stat`).text()
    // The fields behind the name, which is in parentheses. Source: proc(5), utime and stime.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
  }

  /** Returns the resident memory of the process, in MB. */
  async residentMegabytes(): Promise<number> {
    const status = await Bun.file(`/proc/${this.#process.pid}/status`).text()
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL")
    await this.#process.exited
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
