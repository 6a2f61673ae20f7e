import { waitUntil } from "./wait-until.ts"

/** What the shell prints after the command, so that nothing of its output is still on the way. */
const END = "(the end)"

/** The shell outlives a ^C, which ends the command. */
const SCRIPT = `trap : INT; "$0" "$@"; printf '%s' '${END}'`

/** A command in a terminal of its own, and all that arrives there from both of its outputs. */
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

  /** Waits for the command to end; resolves with all of its output. */
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
