import { readFileSync } from "node:fs"

/** The time since the machine booted. */
export interface BootTime {
  /** Differs for each boot. */
  readonly bootId: string
  /**
   * Milliseconds since the boot, with a resolution of 10 ms. Includes time during which the machine was
   * suspended.
   */
  readonly sinceBootMs: number
}

/**
 * Reads the machine's boot clock (`CLOCK_BOOTTIME`), the only clock that is not interrupted by a restart of
 * the process, a suspend of the machine, or a change of the system time. Returns null on systems without
 * `/proc`: macOS has none, and sandboxes hide parts of it.
 */
export function readBootTime(): BootTime | null {
  try {
    const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
    const seconds = Number.parseFloat(readFileSync("/proc/uptime", "utf8"))
    return bootId === "" || Number.isNaN(seconds)
      ? null
      : { bootId, sinceBootMs: Math.round(seconds * 1_000) }
  } catch {
    // Without it, the process's monotonic clock is used, which misses only suspends.
    return null
  }
}
