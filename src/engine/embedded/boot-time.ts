import { readFileSync } from "node:fs"

/** How long the machine has been up. */
export interface BootTime {
  /** Differs from boot to boot. */
  readonly bootId: string
  /** Time since the boot, in milliseconds, to 10 ms. Counts the time for which the machine was suspended. */
  readonly sinceBootMs: number
}

/**
 * Reads the machine's boot clock (`CLOCK_BOOTTIME`). It is the one clock that neither a restart of the process, nor a
 * suspend of the machine, nor anybody who sets the time interrupts. Returns null where there is no `/proc`: macOS has
 * none, and sandboxes leave parts of it out.
 */
export function readBootTime(): BootTime | null {
  try {
    const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
    const seconds = Number.parseFloat(readFileSync("/proc/uptime", "utf8"))
    return bootId === "" || Number.isNaN(seconds)
      ? null
      : { bootId, sinceBootMs: Math.round(seconds * 1_000) }
  } catch {
    // The clock then counts on by the process' monotonic clock alone, which loses nothing but suspends.
    return null
  }
}
