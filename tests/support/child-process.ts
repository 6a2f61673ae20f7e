import type { Subprocess } from "bun"
import { waitUntil } from "./wait-until.ts"

/** A script in a process of its own, with its output so far. */
export class ChildProcess implements AsyncDisposable {
  readonly #process: Subprocess<"pipe", "pipe", "pipe">
  readonly #reading: readonly Promise<void>[]
  #output = ""
  #errors = ""

  /** @param environment variables beside those of this process */
  constructor(script: URL, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#process = Bun.spawn([process.execPath, Bun.fileURLToPath(script), ...args], {
      env: { ...process.env, ...environment },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    })
    this.#reading = [this.#readOutput(), this.#readErrors()]
  }

  /** The complete lines of its output. */
  get lines(): readonly string[] {
    return this.#output.split("\n").slice(0, -1)
  }

  /** Waits until it has printed `count` lines. Fails with its errors if it ends earlier. */
  async printed(count: number): Promise<readonly string[]> {
    await waitUntil(
      () => this.lines.length >= count || this.#process.exitCode !== null,
      `${count} lines of a child process; it wrote ${this.#output}${this.#errors}`,
    )
    if (this.lines.length < count) throw new Error(`the child process ended: ${this.#output}${this.#errors}`)
    return this.lines
  }

  /** Waits until it ends by itself. */
  async exited(): Promise<{ readonly code: number; readonly errors: string }> {
    await waitUntil(() => this.#process.exitCode !== null, "the end of a child process")
    await Promise.all(this.#reading)
    return { code: await this.#process.exited, errors: this.#errors }
  }

  /** Waits until a SIGKILL ends it. Fails with its errors if it ends otherwise. */
  async killed(): Promise<void> {
    await waitUntil(
      () => this.#process.exitCode !== null || this.#process.signalCode !== null,
      `the end of a child process; it wrote ${this.#errors}`,
    )
    await Promise.all(this.#reading)
    if (this.#process.signalCode !== "SIGKILL") throw new Error(`it ended by itself: ${this.#errors}`)
  }

  /** Ends it with SIGKILL, so that it can't finish anything. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL")
    await this.#process.exited
    await Promise.all(this.#reading)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  async #readOutput(): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of this.#process.stdout) this.#output += decoder.decode(chunk, { stream: true })
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder()
    for await (const chunk of this.#process.stderr) this.#errors += decoder.decode(chunk, { stream: true })
  }
}
