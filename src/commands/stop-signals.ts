import { readFileSync } from "node:fs"

/** Signals that ask the service, or a command, to stop. */
export type StopSignal = "SIGTERM" | "SIGINT" | "SIGHUP"

/** SIGHUP is the first signal: its bit is the lowest of a mask. Source: signal(7). */
const HANGUP_BIT = 1

/**
 * Calls back for every signal that asks to stop. On a terminal, SIGHUP does: it comes when the terminal closes. If it was
 * ignored at the start, as `nohup` does, it stays ignored.
 */
export function onStopSignal(callback: (signal: StopSignal) => void): void {
  const signals: readonly StopSignal[] = [
    "SIGTERM",
    "SIGINT",
    ...(hasTerminal() && !isHangupIgnored() ? ["SIGHUP" as const] : []),
  ]
  for (const signal of signals) process.on(signal, () => callback(signal))
}

/** Calls back for a SIGHUP that does not come from a terminal: other services, too, read their files again then. */
export function onReloadSignal(callback: () => void): void {
  if (!hasTerminal() && !isHangupIgnored()) process.on("SIGHUP", callback)
}

const hasTerminal = (): boolean => [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)

/**
 * Lets the process end as if the signal had ended it, once its work is done and its output is written: a shell that runs a
 * loop then ends the loop, too. The next such signal ends it at once.
 */
export function endBySignal(signal: StopSignal): void {
  process.removeAllListeners(signal)
  process.once("exit", () => process.kill(process.pid, signal))
}

function isHangupIgnored(): boolean {
  try {
    const mask = /^SigIgn:\s*[0-9a-f]*([0-9a-f])$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]
    return (Number.parseInt(mask ?? "0", 16) & HANGUP_BIT) !== 0
  } catch {
    // Not Linux: this is not known, and a clean stop loses nothing.
    return false
  }
}
