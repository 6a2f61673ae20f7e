import { readFileSync } from "node:fs"

/** Returns the peak memory of a process so far, in MiB. */
export function peakMemory(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  if (kilobytes === undefined) throw new Error(`the peak memory of ${pid} is not known`)
  return Number(kilobytes) / 1_024
}
