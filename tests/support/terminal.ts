import { waitUntil } from "./wait-until.ts"

/** Printed by the shell after the command, so that no output is outstanding. */
const END = "(the end)"

/** The shell survives a ^C, which ends the command. */
const SCRIPT = `trap : INT; "$0" "$@"; printf '%s' '${END}'`

/** A command in a terminal of its own, with everything that both of its outputs print there. */
export class Terminal implements AsyncDisposable {
  readonly #child: Bun.Subprocess
  readonly #name: string
  #output = ""

  constructor(command: readonly string[], cwd: string, environment: Readonly<Record<string, string>>) {
    const decoder = new TextDecoder()
    this.#name = command.join(" ")
    this.#child = Bun.spawn(["sh", "-c", SCRIPT, ...command], {
      cwd,
      env: { PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", ...environment },
      terminal: {
        cols: 200,
        rows: 50,
        data: (_terminal, bytes) => {
          this.#output += decoder.decode(bytes, { stream: true })
        },
      },
    })
  }

  get output(): string {
    return this.#output.replace(END, "")
  }

  /** Types into the terminal. */
  type(keys: string): void {
    this.#child.terminal?.write(keys)
  }

  /** Waits for the command to end. Resolves with all of its output. */
  async ended(): Promise<string> {
    await waitUntil(() => this.#output.endsWith(END), `the end of ${this.#name}`)
    return this.output
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL")
    await this.#child.exited
    this.#child.terminal?.close()
  }
}
