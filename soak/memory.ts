import { readFileSync } from "node:fs"

const SAMPLE_MS = 1_000
const MINUTE_MS = 60_000
const KIB_PER_MIB = 1_024

/**
 * The peak resident memory of a process in each minute, in MiB, until it is stopped. The process may change between samples.
 */
export class MemoryPeaks implements Disposable {
  readonly peaks: number[] = []
  readonly #timer: Timer

  constructor(pid: () => number) {
    const startedAt = performance.now()
    this.#timer = setInterval(() => {
      const minute = Math.floor((performance.now() - startedAt) / MINUTE_MS)
      this.peaks[minute] = Math.max(this.peaks[minute] ?? 0, residentMebibytes(pid()))
    }, SAMPLE_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  [Symbol.dispose](): void {
    this.stop()
  }
}

/** Returns the resident memory of a process, in MiB; 0 if it was just killed. */
export function residentMebibytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / KIB_PER_MIB)
  } catch {
    return 0
  }
}
