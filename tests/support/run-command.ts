/** The output and exit code of a command. */
export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export async function runCommand(
  command: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
  stdin = "",
): Promise<CommandResult> {
  const env = { PATH: process.env["PATH"] ?? "", ...environment }
  const child = Bun.spawn([...command], {
    cwd,
    env,
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, stdout, stderr }
}
